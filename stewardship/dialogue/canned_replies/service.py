"""Choosing, writing and retiring canned replies: the city's, a unit's, and each officer's own.

Every change of the words is a version, so that it can be told later what a steward had before them. A unit's replies
are for it and everything below; nobody sees another officer's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tortoise.expressions import Q

from kit import clock, database
from kit.database import atomic
from stewardship.casework.cases.models import Case, CaseKind
from stewardship.dialogue.canned_replies.models import CannedReply, CannedReplyVersion
from stewardship.dialogue.canned_replies.rules import check_text, filled
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.administration import holds
from stewardship.foundation.org.models import Officer, Role, Unit

KEEPERS = (Role.INSTRUCTOR, Role.SYSTEM_ADMINISTRATOR)
SUBJECT = "canned_reply"
MOST = 200


@dataclass(frozen=True, slots=True)
class Draft:
    """The words of a reply, for which kind of case (None: every one), and its place in the list."""

    title: str
    text: str
    case_kind: CaseKind | None = None
    place: int = 100


async def _visible(actor: Actor, case: Case | None) -> Q:
    """Own ones, the city's, and those of the units from the case's, or one's own, upward; and of units one keeps."""
    start = case.unit_id if case else actor.home_unit_id
    line = [unit.id for unit in await org.line_above(start)] if start else []
    units = {*line, *(actor.units(*KEEPERS) if case is None else ())}
    return Q(officer_id=actor.id) | Q(officer_id=None) & (Q(unit_id=None) | Q(unit_id__in=list(units)))


async def replies_for(
    actor: Actor, *, case: Case | None = None, case_kind: CaseKind | None = None, words: str = ""
) -> list[CannedReply]:
    """What the officer may choose from: titles that begin with the words first, then by place and use.

    For a case: of its unit and kind. Otherwise of the officer's own unit, and of those that they keep.
    """
    kind = case.kind if case else case_kind
    query = CannedReply.filter(await _visible(actor, case), retired_at=None)
    if kind is not None:
        query = query.filter(Q(case_kind=None) | Q(case_kind=kind))
    if words:
        query = query.filter(Q(title__icontains=words) | Q(text__icontains=words))
    rows = await query.order_by("place", "-uses", "title", "id").limit(MOST)
    return sorted(rows, key=lambda row: not row.title.casefold().startswith(words.casefold())) if words else rows


async def fill(rows: Sequence[CannedReply], case: Case) -> dict[UUID, str]:
    """Each reply as it would read in this case. The caller has looked at the case, and that is recorded."""
    unit = await Unit.get(id=case.unit_id)
    steward = await Officer.get_or_none(id=case.steward_id) if case.steward_id else None
    next_contact, today = case.next_contact_on, clock.today()
    values = {
        "编号": case.reference,
        "单位": unit.name,
        "值班电话": unit.duty_phone,
        "案管家": steward.name if steward else "",
        "下次联系": f"{next_contact.month}月{next_contact.day}日" if next_contact else "",
        "今天": f"{today.month}月{today.day}日",
    }
    return {row.id: filled(row.text, values) for row in rows}


@atomic()
async def write(actor: Actor, draft: Draft, *, own: bool, unit_id: UUID | None = None) -> CannedReply:
    """A new reply: one's own, a unit's, or with neither the city's. Raises NotFound without the right, Invalid."""
    if not own:
        await _check_keeper(actor, unit_id)
    check_text(draft.title, draft.text)
    reply = await CannedReply.create(
        unit_id=None if own else unit_id,
        officer_id=actor.id if own else None,
        case_kind=draft.case_kind,
        title=draft.title,
        text=draft.text,
        place=draft.place,
    )
    await _keep_version(actor, reply)
    return reply


async def _check_keeper(actor: Actor, unit_id: UUID | None) -> None:
    if not any([await holds(actor, role, unit_id) for role in KEEPERS]):
        raise _unknown()


def _unknown() -> NotFound:
    return NotFound("canned_reply_not_found", "没有找到这条常用答复", "可能已停用，或不在您的管理范围内。")


async def _keep_version(actor: Actor, reply: CannedReply) -> None:
    await CannedReplyVersion.create(
        reply_id=reply.id,
        version=reply.version,
        title=reply.title,
        text=reply.text,
        written_by_id=actor.id,
        written_at=clock.now(),
    )
    await audit.record("canned_reply.written", actor, (SUBJECT, reply.id), unit_id=reply.unit_id, version=reply.version)


@atomic()
async def edit(actor: Actor, reply_id: UUID, draft: Draft, *, expected_version: int) -> CannedReply:
    """New words or another place. Raises NotFound, Invalid, Conflict where somebody was quicker."""
    reply = await _kept(actor, reply_id)
    if reply.version != expected_version:
        raise Conflict("canned_reply_changed", "这条常用答复刚被别人修改过", "请刷新后再改。")
    check_text(draft.title, draft.text)
    reply.title, reply.text, reply.case_kind, reply.place = draft.title, draft.text, draft.case_kind, draft.place
    reply.version += 1
    await reply.save(update_fields=["title", "text", "case_kind", "place", "version"])
    await _keep_version(actor, reply)
    return reply


@atomic()
async def retire(actor: Actor, reply_id: UUID) -> CannedReply:
    """It is offered no more; its versions stay. Raises NotFound."""
    reply = await _kept(actor, reply_id)
    reply.retired_at = clock.now()
    await reply.save(update_fields=["retired_at"])
    await audit.record("canned_reply.retired", actor, (SUBJECT, reply.id), unit_id=reply.unit_id)
    return reply


async def _kept(actor: Actor, reply_id: UUID) -> CannedReply:
    """The reply, locked, if the officer may change it. Raises NotFound."""
    reply = await CannedReply.select_for_update().get_or_none(id=reply_id, retired_at=None)
    if reply is None:
        raise _unknown()
    if reply.officer_id is None:
        await _check_keeper(actor, reply.unit_id)
    elif reply.officer_id != actor.id:
        raise _unknown()
    return reply


async def may_change(actor: Actor, reply: CannedReply) -> bool:
    """Whether the officer may edit or retire it."""
    if reply.officer_id is not None:
        return reply.officer_id == actor.id
    return any([await holds(actor, role, reply.unit_id) for role in KEEPERS])


@atomic()
async def use(actor: Actor, reply_id: UUID) -> int:
    """It was sent, as it stands or changed: counts, for the order of the list. Raises NotFound. Answers the count."""
    if not await CannedReply.exists(await _visible(actor, None), id=reply_id):
        raise _unknown()
    count = await database.fetchval(
        "update canned_reply set uses = uses + 1, last_used_at = $2 where id = $1 returning uses", reply_id, clock.now()
    )
    return int(count)


async def versions(actor: Actor, reply_id: UUID) -> list[CannedReplyVersion]:
    """What it said, newest first. Raises NotFound for what the officer may not choose."""
    if not await CannedReply.exists(await _visible(actor, None), id=reply_id):
        raise _unknown()
    return await CannedReplyVersion.filter(reply_id=reply_id).order_by("-version")
