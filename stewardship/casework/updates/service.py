"""Posting progress to the members it is meant for, and reading what was posted to oneself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg

from kit import clock, database
from kit.crypto import vault
from kit.database import atomic
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case
from stewardship.casework.cases.rules import stage_of
from stewardship.casework.groups.models import Member, MemberState
from stewardship.casework.parties.models import Party, Side
from stewardship.casework.updates import attachments, notices
from stewardship.casework.updates.models import TEXT, Update, UpdateAddressee
from stewardship.casework.updates.rules import Audience, Candidate, held_back, is_near_copy, recipients
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Invalid
from stewardship.foundation.people.models import Person

TEXT_LENGTH = 500
AWAITED_LENGTH = 120
NEXT_CONTACT_DAYS = 60


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of posting: who reads it now, who waits, and whether it counted as news."""

    update: Update
    member_ids: tuple[UUID, ...]
    held_member_ids: tuple[UUID, ...]


def check_update(text: str, awaited: str, next_contact_on: date) -> None:
    """Raises Invalid where an update does not say what happened, what is awaited, and when we are in touch next."""
    if not text.strip() or len(text) > TEXT_LENGTH:
        raise Invalid("update_text", "请填写进展内容", f"内容不能为空，最多 {TEXT_LENGTH} 个字。")
    if not awaited.strip() or len(awaited) > AWAITED_LENGTH:
        raise Invalid("update_awaited", "请填写正在等待什么", f"例如“等待鉴定意见”，最多 {AWAITED_LENGTH} 个字。")
    if not clock.today() <= next_contact_on <= clock.today() + timedelta(days=NEXT_CONTACT_DAYS):
        raise Invalid("update_next_contact", "下次联系日期不对", f"请选择今天起 {NEXT_CONTACT_DAYS} 天内的日期。")


async def candidates_of(case_id: UUID) -> list[Candidate]:
    """The joined members of a case, with their roles and protection."""
    members = await Member.filter(case_id=case_id, state=MemberState.JOINED)
    parties = {p.id: p for p in await Party.filter(case_id=case_id, removed_at=None)}
    protected = set(
        await Person.filter(id__in=[m.person_id for m in members], protected=True).values_list("id", flat=True)
    )
    return [
        Candidate(m.id, Side(m.side), frozenset(parties[m.party_id].roles), m.person_id in protected)
        for m in members
        if m.party_id in parties
    ]


@atomic()
async def post_update(
    actor: Actor,
    case_id: UUID,
    *,
    text: str,
    awaited: str,
    next_contact_on: date,
    audience: Audience,
    stage: str | None = None,
    file_ids: Sequence[UUID] = (),
) -> Posted:
    """Post progress: it is in the group, on its way to every addressee, and the silence clock follows its date.

    Raises Invalid for an incomplete update or a file that cannot go with it, Conflict for a closed case. Addressees are
    fixed now: who joins later sees none of what was addressed before, unless it is posted again.
    """
    check_update(text, awaited, next_contact_on)
    case = await cases.lock_case(case_id)
    if case.closed_at is not None:
        raise Conflict("case_closed", "案件已经办结", "如需继续办理，请先重新打开。")
    if stage is not None and stage != case.stage:
        case = await cases.move_to(actor, case_id, stage)
    return await publish(
        actor,
        case,
        text=text,
        awaited=awaited,
        next_contact_on=next_contact_on,
        audience=audience,
        stage=stage,
        file_ids=file_ids,
    )


async def publish(
    actor: Actor,
    case: Case,
    *,
    text: str,
    awaited: str,
    next_contact_on: date,
    audience: Audience,
    stage: str | None,
    file_ids: Sequence[UUID] = (),
) -> Posted:
    """The part of `post_update` behind its checks, for a case that the caller has locked."""
    await attachments.check_attachable(case.id, file_ids)
    last = await _last_text(case.id)
    update = await Update.create(
        case=case,
        author_id=actor.id,
        stage=stage,
        text=vault().ring.seal_text(text.strip(), TEXT),
        awaited=awaited.strip(),
        next_contact_on=next_contact_on,
        audience=audience.kind,
        sides=sorted(side.value for side in audience.sides),
        member_ids=sorted(audience.member_ids),
        near_copy=is_near_copy(text, last),
    )
    await attachments.attach(update, file_ids)
    await _follow_silence(case, update)
    posted = await _address(case, update, audience)
    await audit.record(
        "update.posted",
        actor,
        ("update", update.id),
        case_id=case.id,
        unit_id=case.unit_id,
        addressees=len(posted.member_ids),
        held=len(posted.held_member_ids),
        near_copy=update.near_copy,
    )
    return posted


async def _last_text(case_id: UUID) -> str | None:
    last = await Update.filter(case_id=case_id, withdrawn_at=None).order_by("-posted_at").first()
    return vault().ring.open_text(last.text, TEXT) if last else None


async def _follow_silence(case: Case, update: Update) -> None:
    """A near-copy says nothing new: awaited and date are taken over, the silence goes on."""
    case.awaited, case.next_contact_on = update.awaited, update.next_contact_on
    changed = ["awaited", "next_contact_on"]
    if not update.near_copy and case.closed_at is None:
        case.last_update_at, case.silence_level = update.posted_at, 0
        case.silent_from = cases.end_of(update.next_contact_on)
        changed += ["last_update_at", "silence_level", "silent_from"]
    await case.save(update_fields=changed)


async def _address(case: Case, update: Update, audience: Audience) -> Posted:
    everyone = await candidates_of(case.id)
    addressed = recipients(everyone, audience, case.kind)
    waiting = held_back(addressed, everyone)
    rows = [
        UpdateAddressee(
            update_id=update.id,
            member_id=c.member_id,
            case_id=case.id,
            posted_at=update.posted_at,
            released_at=None if c.member_id in waiting else update.posted_at,
        )
        for c in addressed
    ]
    await UpdateAddressee.bulk_create(rows)
    reached = tuple(c.member_id for c in addressed if c.member_id not in waiting)
    await notices.notify_posted(update, reached)
    return Posted(update, reached, tuple(waiting))


@atomic()
async def release(actor: Actor, case_id: UUID, before: datetime) -> int:
    """The protected person has been told: what waited since then reaches the others. Answers how many."""
    rows = await UpdateAddressee.filter(case_id=case_id, released_at=None, posted_at__lte=before)
    for row in rows:
        row.released_at = clock.now()
        await row.save(update_fields=["released_at"])
    for update_id in {row.update_id for row in rows}:
        members = tuple(row.member_id for row in rows if row.update_id == update_id)
        await notices.notify_posted(await Update.get(id=update_id), members)
    if rows:
        await audit.record("update.released", actor, ("case", case_id), case_id=case_id, addressees=len(rows))
    return len(rows)


@dataclass(frozen=True, slots=True)
class SeenUpdate:
    """An update as one of its addressees reads it."""

    id: UUID
    posted_at: datetime
    stage_name: str | None
    text: str
    awaited: str
    next_contact_on: date


async def updates_for(
    member: Member, case: Case, *, limit: int = 50, before: tuple[datetime, UUID] | None = None
) -> list[SeenUpdate]:
    """What was addressed to this member and released, newest first; the filter is in the query.

    `before`: instant and id of the last one of the page before.
    """
    rows = await database.fetch(
        "select u.id, a.posted_at, u.stage, u.text, u.awaited, u.next_contact_on from update_addressee a"
        " join case_update u on u.id = a.update_id where a.member_id = $1 and a.released_at is not null"
        " and u.withdrawn_at is null and ($3::timestamptz is null or (a.posted_at, u.id) < ($3, $4::uuid))"
        " order by a.posted_at desc, u.id desc limit $2",
        member.id,
        limit,
        *(before or (None, None)),
    )
    return [_seen(row, case) for row in rows]


def _seen(values: asyncpg.Record, case: Case) -> SeenUpdate:
    stage = stage_of(case.kind, values["stage"]) if values["stage"] else None
    return SeenUpdate(
        values["id"],
        values["posted_at"],
        stage.now if stage else None,
        vault().ring.open_text(values["text"], TEXT),
        values["awaited"],
        values["next_contact_on"],
    )
