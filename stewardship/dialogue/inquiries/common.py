"""What the commands on inquiries share. Locks: the member's (asking only), then inquiries by id, then their clocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import Q, Subquery

from kit import clock, database
from kit.crypto import vault
from stewardship.casework.cases.models import Case
from stewardship.dialogue.inquiries.models import TEXT, EntryKind, Inquiry, InquiryEntry, InquiryState
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks import policies, publishing
from stewardship.foundation.errors import Conflict, Invalid, NotFound
from stewardship.foundation.org import rosters
from stewardship.foundation.org.models import Role, Shift, ShiftKind

SUBJECT = "inquiry"
TEXT_LENGTH = 2000
QUEUE_READERS = (Role.INSTRUCTOR,)
ON_DUTY = (ShiftKind.DUTY, ShiftKind.DEPUTY)


async def kinds_of(inquiry_ids: Sequence[UUID]) -> dict[UUID, str | None]:
    """The kind of case of each inquiry, as it is known now: it decides what is promised."""
    rows = await database.fetch(
        "select i.id, c.kind from inquiry i join case_file c on c.id = i.case_id where i.id = any($1::uuid[])",
        list(inquiry_ids),
    )
    return {row["id"]: row["kind"] for row in rows}


publishing.promises(SUBJECT, kinds_of)


def check_text(text: str, limit: int = TEXT_LENGTH) -> None:
    """Raises Invalid for an empty or overlong text."""
    if not text.strip() or len(text) > limit or "\0" in text:
        raise Invalid("text_length", "请填写内容", f"内容不能为空，最多 {limit} 个字。")


def scope(actor: Actor) -> Q:
    """The inquiries an officer may see.

    Those they own, of cases they are steward or deputy of, of units they supervise, and, while they are on duty, of
    the unit whose desk they keep: an escalation to the duty officer would reach somebody who could not answer.
    """
    if actor.kind is not ActorKind.OFFICER or actor.id is None:
        return Q(id__in=[])
    at = clock.now()
    desks = Shift.filter(officer_id=actor.id, kind__in=list(ON_DUTY), starts_at__lte=at, ends_at__gt=at)
    own = Q(owner_id=actor.id) | Q(case__steward_id=actor.id) | Q(case__deputy_id=actor.id)
    own |= Q(unit_id__in=Subquery(desks.values("unit_id")))
    supervised = actor.units(*QUEUE_READERS)
    return own | Q(unit_id__in=list(supervised)) if supervised else own


async def in_scope(actor: Actor, inquiry_id: UUID) -> Inquiry:
    """The inquiry, unlocked. Raises NotFound where the officer may not see it."""
    inquiry = await Inquiry.get_or_none(Q(id=inquiry_id) & scope(actor))
    if inquiry is None:
        raise NotFound("inquiry_not_found", "没有找到这个问题", "可能不在您的权限范围内。")
    return inquiry


async def lock_waiting(actor: Actor, inquiry_id: UUID, expected_version: int | None) -> Inquiry:
    """The waiting inquiry, locked, as the officer read it. Raises Conflict where somebody was quicker."""
    await in_scope(actor, inquiry_id)
    inquiry = await Inquiry.select_for_update().get(id=inquiry_id)
    if inquiry.state is not InquiryState.WAITING:
        raise Conflict("inquiry_not_waiting", "这个问题已经处理", "请刷新查看处理结果；您写的内容没有发出。")
    if expected_version is not None and inquiry.version != expected_version:
        raise Conflict("inquiry_changed", "对方又发来了新内容", "请先看完最新内容再答复；您写的内容没有发出。")
    return inquiry


async def owner_now(case: Case) -> UUID:
    """Who has a new inquiry of the case: its steward, or, while they rest or are away, the next in the roster.

    Asked outside duty time, it is for whoever is there when duty next starts: that is when the promise begins to run.
    """
    at = await policies.next_duty(case.unit_id, clock.now())
    return (await rosters.receiver(case.unit_id, case.steward_id, case.deputy_id, at)).candidate.id


async def add_entry(
    inquiry: Inquiry, kind: EntryKind, channel: str, text: str, *, at: datetime | None = None, **more: Any
) -> InquiryEntry:
    """One more line in the thread, sealed."""
    sealed = vault().ring.seal_text(text, TEXT)
    return await InquiryEntry.create(
        inquiry=inquiry, kind=kind, channel=channel, text=sealed, at=at or clock.now(), **more
    )


async def record(kind: str, actor: Actor, inquiry: Inquiry, **details: Any) -> None:
    """An event about an inquiry: ids and codes only."""
    await audit.record(kind, actor, (SUBJECT, inquiry.id), case_id=inquiry.case_id, unit_id=inquiry.unit_id, **details)


async def with_merged(inquiry_id: UUID) -> list[UUID]:
    """The inquiry and those that were merged into it: all that an officer answers with one reply."""
    merged = await Inquiry.filter(merged_into_id=inquiry_id).order_by("id").only("id")
    return [inquiry_id, *(each.id for each in merged)]


async def one_for_each_party(inquiry: Inquiry) -> Sequence[Inquiry]:
    """The inquiry, and of each further party whose own was merged into it, the newest: where that party reads."""
    merged = await Inquiry.filter(merged_into_id=inquiry.id).order_by("opened_at", "id")
    others = {each.member_id: each for each in merged if each.member_id != inquiry.member_id}
    return [inquiry, *others.values()]
