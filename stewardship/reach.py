"""What delivery asks of the domain at the moment of sending, and what it tells it afterwards.

Everything that was true when a message was enqueued is checked again: a member may have left or been removed, a phone
been stolen, an inquiry answered, a rating given. What may not go any more is dropped, with its reason in the ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from delivery.hooks import Fact, Failure, Hooks, Refusal
from delivery.models import RecipientKind
from delivery.notice import Notice
from delivery.recipients import Credit, Dropped, Identity, MessageView, Phone, Protected, Recipient, Window
from kit import clock, database
from kit.crypto import vault
from stewardship.casework.appointments.models import AppointmentState
from stewardship.casework.groups.models import MemberState
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.audit import service as audit
from stewardship.foundation.org.models import MOBILE
from stewardship.foundation.people.models import CONTACT, SubscriptionCredit, WechatIdentity
from stewardship.off_duty import off_duty_until
from stewardship.opinion.ratings import asking
from stewardship.opinion.visits import service as visits

INVITING = frozenset({Notice.INVITATION, Notice.INVITATION_REMINDER})
TO_OUTSIDERS = INVITING | {Notice.ENROLMENT_PENDING, Notice.RATING_REQUEST, Notice.VISIT_ANNOUNCED}
"""Notices that also reach a party who is not in the group (yet, or any more)."""
ANSWERS = frozenset(
    {Notice.INQUIRY_ANSWERED, Notice.INQUIRY_CLARIFICATION, Notice.INQUIRY_BREACHED, Notice.INQUIRY_RECEIVED}
)
"""Notices about one's own question: they reach whoever asked, by SMS too, member or not."""
APPOINTMENTS: dict[Notice, AppointmentState] = {
    Notice.APPOINTMENT_OFFERED: AppointmentState.OFFERED,
    Notice.APPOINTMENT_MOVED: AppointmentState.OFFERED,
    Notice.APPOINTMENT_BOOKED: AppointmentState.BOOKED,
    Notice.APPOINTMENT_REMINDER: AppointmentState.BOOKED,
    Notice.APPOINTMENT_COLLEAGUE: AppointmentState.BOOKED,
    Notice.APPOINTMENT_CANCELLED: AppointmentState.CANCELLED,
}
"""Notices about one's own appointment, and the state in which they still say the truth. They reach whoever is asked to
come, in the group or not: people without WeChat are asked by SMS."""
ABOUT_ONESELF = ANSWERS | APPOINTMENTS.keys() | {Notice.WHICH_QUESTION}
OVERTAKEN = frozenset(
    {
        Notice.INQUIRY_WARNING,
        Notice.INQUIRY_ESCALATED,
        Notice.INQUIRY_OVERDUE,
        Notice.INQUIRY_BREACHED,
        Notice.INQUIRY_NUDGED,
    }
)
"""Notices that an answer given meanwhile makes pointless."""

SETTING_OUT = timedelta(hours=1)

MEMBERS = """
select m.id, m.state, party.removed_at is not null as removed from member m join party on party.id = m.party_id
where m.id = any($1::uuid[])
"""
RATINGS = "select id from rating where id = any($1::uuid[]) and state <> 'sent'"
WITHDRAWN = "select id from case_update where id = any($1::uuid[]) and withdrawn_at is not null"
WAITING = """
select id from inquiry where id = any($1::uuid[]) and state <> 'waiting'
"""
AGREED = "select id, state from appointment where id = any($1::uuid[])"
TRAVELS_AT = """
select coalesce(a.starts_at, old.starts_at) from appointment a left join appointment old on old.id = a.replaces_id
where a.id = $1
"""
PERSONS = """
select p.id, p.protected, p.elderly_mode, g.safe_contact_id, g.hours_from, g.hours_to, g.pretext
from person p left join protection_plan g on g.person_id = p.id where p.id = any($1::uuid[])
"""
IDENTITIES = """
select i.id, i.platform, i.person_id, null::uuid as officer_id, i.openid, i.following, i.refused, i.message_window_at,
       i.message_window_used, i.touch_window_at, i.touch_window_used
from wechat_identity i where i.person_id = any($1::uuid[]) and i.trust = 'trusted'
union all
select i.id, i.platform, null::uuid, i.officer_id, i.openid, i.following, i.refused, i.message_window_at,
       i.message_window_used, i.touch_window_at, i.touch_window_used
from wechat_identity i where i.officer_id = any($2::uuid[]) and i.trust in ('trusted', 'unverified')
order by following desc, message_window_at desc nulls last
"""
CREDITS = """
select identity_id, template_id, remaining, long_term, refused_at from subscription_credit
where identity_id = any($1::uuid[])
"""
CONTACTS = """
select id, person_id, value_sealed, sms_opted_out, trust from contact
where person_id = any($1::uuid[]) and trust in ('trusted', 'unverified')
order by trust = 'trusted' desc, preferred desc, created_at desc
"""
OFFICERS = "select id, mobile from officer where id = any($1::uuid[]) and active"


async def resolve(messages: Sequence[MessageView], /) -> Mapping[UUID, Recipient | Dropped]:
    """Where each recipient can be reached now, or why the message is not to go. A handful of statements a chunk."""
    unwanted = await _unwanted(messages)
    people = {m.recipient_id for m in messages if m.recipient_kind is RecipientKind.PERSON}
    officers = {m.recipient_id for m in messages if m.recipient_kind is RecipientKind.OFFICER}
    identities = await _identities(people, officers)
    persons = await _persons(people, identities)
    colleagues = await _officers(officers, identities)
    answer: dict[UUID, Recipient | Dropped] = {}
    for message in messages:
        if message.id in unwanted:
            answer[message.id] = Dropped(unwanted[message.id])
            continue
        known = persons if message.recipient_kind is RecipientKind.PERSON else colleagues
        answer[message.id] = known.get(message.recipient_id, Dropped("recipient_gone"))
    return answer


async def _unwanted(messages: Sequence[MessageView]) -> dict[UUID, str]:
    """Messages that were overtaken, with the reason."""
    reasons: dict[UUID, str] = {}
    of_members = [m for m in messages if m.member_id is not None and m.recipient_kind is RecipientKind.PERSON]
    states = {r["id"]: r for r in await database.fetch(MEMBERS, [m.member_id for m in of_members])}
    for message in of_members:
        row = states.get(message.member_id)
        reason = "member_gone" if row is None else _why_not(message, row)
        if reason:
            reasons[message.id] = reason
    rated = await _subjects(messages, {Notice.RATING_REQUEST}, RATINGS)
    withdrawn = await _subjects(messages, {Notice.UPDATE_POSTED}, WITHDRAWN)
    settled = await _subjects(
        messages,
        OVERTAKEN,
        WAITING,
    )
    agreed = await _appointment_states(messages)
    for message in messages:
        if message.notice in APPOINTMENTS and agreed.get(message.subject_id) is not APPOINTMENTS[message.notice]:
            reasons.setdefault(message.id, "appointment_changed")
        elif message.subject_id in rated and message.notice is Notice.RATING_REQUEST:
            reasons[message.id] = "rating_over"
        elif message.subject_id in withdrawn and message.notice is Notice.UPDATE_POSTED:
            reasons[message.id] = "withdrawn"
        elif message.subject_id in settled and message.notice in OVERTAKEN:
            reasons.setdefault(message.id, "answered_meanwhile")
    return reasons


def _why_not(message: MessageView, member: asyncpg.Record) -> str | None:
    if member["removed"] or member["state"] == MemberState.REMOVED:
        return "removed"
    joined = member["state"] == MemberState.JOINED
    if message.notice in INVITING:
        return "joined_meanwhile" if joined else None
    if joined or message.notice in TO_OUTSIDERS or message.notice in ABOUT_ONESELF:
        return None
    return "not_a_member"


async def _appointment_states(messages: Sequence[MessageView]) -> dict[UUID | None, AppointmentState]:
    ids = [m.subject_id for m in messages if m.notice in APPOINTMENTS]
    rows = await database.fetch(AGREED, ids) if ids else []
    return {row["id"]: AppointmentState(row["state"]) for row in rows}


async def _subjects(messages: Sequence[MessageView], notices: Collection[Notice], sql: str) -> set[UUID]:
    subjects = [m.subject_id for m in messages if m.notice in notices and m.subject_id is not None]
    return {row["id"] for row in await database.fetch(sql, subjects)} if subjects else set()


async def _identities(people: set[UUID], officers: set[UUID]) -> dict[tuple[UUID, str], Identity]:
    """The best identity of each person or officer on each platform."""
    rows = await database.fetch(IDENTITIES, list(people), list(officers))
    credits: dict[UUID, list[Credit]] = {}
    mini_programs = [row["id"] for row in rows if row["platform"] == "mp"]
    for row in await database.fetch(CREDITS, mini_programs) if mini_programs else []:
        credits.setdefault(row["identity_id"], []).append(
            Credit(row["template_id"], row["remaining"], row["long_term"], row["refused_at"] is not None)
        )
    found: dict[tuple[UUID, str], Identity] = {}
    for row in rows:
        for owner in (row["person_id"], row["officer_id"]):
            if owner is not None:
                found.setdefault((owner, row["platform"]), _identity(row, tuple(credits.get(row["id"], ()))))
    return found


def _identity(row: asyncpg.Record, credits: tuple[Credit, ...]) -> Identity:
    return Identity(
        identity_id=row["id"],
        openid=row["openid"],
        following=row["following"],
        refused=row["refused"],
        message_window=Window(row["message_window_at"], row["message_window_used"]),
        touch_window=Window(row["touch_window_at"], row["touch_window_used"]),
        credits=credits,
    )


async def _persons(people: set[UUID], identities: Mapping[tuple[UUID, str], Identity]) -> dict[UUID, Recipient]:
    rows = await database.fetch(PERSONS, list(people)) if people else []
    phones: dict[UUID, list[Phone]] = {}
    for contact in await database.fetch(CONTACTS, list(people)) if people else []:
        number = vault().ring.open_text(contact["value_sealed"], CONTACT)
        phones.setdefault(contact["person_id"], []).append(
            Phone(contact["id"], _e164(number), contact["sms_opted_out"])
        )
    return {row["id"]: _person(row, phones.get(row["id"], []), identities) for row in rows}


def _e164(number: str) -> str:
    return f"+86{number.removeprefix('0')}" if not number.startswith("+") else number


def _person(row: asyncpg.Record, phones: Sequence[Phone], identities: Mapping[tuple[UUID, str], Identity]) -> Recipient:
    if row["protected"]:
        safe = next((p for p in phones if p.contact_id == row["safe_contact_id"]), None)
        return Recipient(protected=Protected(safe, row["hours_from"] or 0, row["hours_to"] or 0, row["pretext"] or ""))
    return Recipient(
        oa=identities.get((row["id"], "oa")),
        mp=identities.get((row["id"], "mp")),
        phones=tuple(phones),
        elderly=row["elderly_mode"],
    )


async def _officers(officers: set[UUID], identities: Mapping[tuple[UUID, str], Identity]) -> dict[UUID, Recipient]:
    rows = await database.fetch(OFFICERS, list(officers)) if officers else []
    resting = await off_duty_until([row["id"] for row in rows], clock.now()) if rows else {}
    found = {}
    for row in rows:
        number = vault().ring.open_text(row["mobile"], MOBILE) if row["mobile"] else None
        phones = (Phone(row["id"], _e164(number)),) if number else ()
        found[row["id"]] = Recipient(
            oa=identities.get((row["id"], "oa")),
            mp=identities.get((row["id"], "mp")),
            phones=phones,
            off_duty_until=resting.get(row["id"]),
        )
    return found


async def _refused(refusals: Sequence[Refusal]) -> None:
    """What the platforms told us about an identity or a number is remembered; a consent used up is counted already."""
    for refusal in refusals:
        match refusal.fact:
            case Fact.NOT_FOLLOWING:
                await WechatIdentity.filter(id=refusal.target_id).update(following=False)
            case Fact.REFUSES:
                await WechatIdentity.filter(id=refusal.target_id).update(refused=True)
            case Fact.NO_CONSENT:
                await SubscriptionCredit.filter(
                    identity_id=refusal.target_id, template_id=refusal.template_id or ""
                ).update(remaining=0)
            case Fact.OPTED_OUT:
                await database.execute("update contact set sms_opted_out = true where id = $1", refusal.target_id)


async def _failed(failures: Sequence[Failure]) -> None:
    """A message that reached nobody is an event, and where it matters somebody has to telephone."""
    for failure in failures:
        message = failure.message
        await audit.record(
            "message.failed",
            SYSTEM,
            ("message", message.id),
            case_id=message.case_id,
            unit_id=message.unit_id,
            notice=message.notice.value,
            reason=failure.reason,
        )
        if message.notice is Notice.RATING_REQUEST and message.subject_id is not None:
            await asking.could_not_reach(message.subject_id)
        if failure.call_needed and message.recipient_kind is RecipientKind.PERSON and message.case_id is not None:
            safe = failure.reason == "safe_call_needed"
            await visits.open_for_message(message.id, safe=safe, due_at=await _travels_at(message))


async def _travels_at(message: MessageView) -> datetime | None:
    """When somebody would set out in vain: a call about an appointment is owed before."""
    if message.notice not in APPOINTMENTS or message.subject_id is None:
        return None
    at: datetime | None = await database.fetchval(TRAVELS_AT, message.subject_id)
    return at - SETTING_OUT if at is not None else None


HOOKS = Hooks(refused=_refused, failed=_failed)
"""What the dispatcher calls. A message that went stands in the ledger; only a failure is an event."""
