"""A case's group: inviting its parties, letting them in, and every later step of a membership.

An invitation's token says which member is meant; it is no identity. Who holds it joins only by proving the phone that
was registered (getuserphonenumber), or after the steward has approved. Nothing accepted from an identity or a phone
that is stolen: its holder is treated like anybody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from kit import clock, database
from kit.crypto import vault
from kit.database import atomic
from kit.ids import new_check_word, new_token, token_hash
from stewardship.casework.cases.models import Case
from stewardship.casework.groups import notices
from stewardship.casework.groups.models import TOKEN, CaseGroup, Invitation, Member, MemberChange, MemberState
from stewardship.casework.groups.rules import INVITATION_LIFE, REMIND_AFTER, WRONG_PHONES, may_become, why_unusable
from stewardship.casework.parties.models import Party, Proxy, Side
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Gone, Invalid, NotFound
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import WechatIdentity
from stewardship.foundation.people.rules import usable

GONE = {
    "used": ("invitation_used", "这个邀请已经用过", "如果您已加入，请直接进入“我的案件”；否则请联系民警重新邀请。"),
    "revoked": ("invitation_revoked", "这个邀请已经作废", "请联系民警，凭受案回执重新领取邀请。"),
    "expired": ("invitation_expired", "这个邀请已经过期", "请联系民警重新邀请，电话在受案回执上。"),
}


@dataclass(frozen=True, slots=True)
class Issued:
    """A fresh invitation with what is printed on the receipt or sent: shown once."""

    member: Member
    invitation: Invitation
    token: str


async def open_group(case: Case) -> CaseGroup:
    """The case's group, opened at its registration."""
    group, _ = await CaseGroup.get_or_create(case_id=case.id, defaults={"opened_at": clock.now()})
    return group


@atomic()
async def invite(
    actor: Actor, case: Case, party: Party, *, proxy_id: UUID | None = None, by_sms: bool = True
) -> Issued:
    """Invite a party, or a party's proxy: a single-use token for the receipt's code, the link and the SMS."""
    member = await _member_for(actor, case, party, proxy_id)
    token, at = new_token(), clock.now()
    earlier = await Invitation.filter(member_id=member.id).order_by("created_at").first()
    if earlier is not None:
        await Invitation.filter(member_id=member.id, used_at=None, revoked_at=None).update(revoked_at=at)
    invitation = await Invitation.create(
        member_id=member.id,
        token_hash=token_hash(token),
        token_sealed=vault().ring.seal_text(token, TOKEN),
        # The check word stays the same for a member, so that an old receipt still tells a genuine SMS.
        check_word=earlier.check_word if earlier else new_check_word(),
        expires_at=at + INVITATION_LIFE,
    )
    member.invited_at, member.reminders = at, 0
    await _enter(actor, case, member, MemberState.INVITED, "")
    if by_sms:
        await notices.notify_invited(member, invitation)
    return Issued(member, invitation, token)


async def _member_for(actor: Actor, case: Case, party: Party, proxy_id: UUID | None) -> Member:
    person_id = party.person_id
    if proxy_id is not None:
        person_id = (await Proxy.get(id=proxy_id, party_id=party.id)).person_id
    group = await open_group(case)
    member = await Member.get_or_none(group_id=group.id, party_id=party.id, person_id=person_id)
    if member is not None:
        if proxy_id is not None:
            # The mandate by which they were in before may have ended.
            member.proxy_id = proxy_id
            await member.save(update_fields=["proxy_id"])
        return member
    return await Member.create(
        group=group,
        case_id=case.id,
        party_id=party.id,
        person_id=person_id,
        proxy_id=proxy_id,
        side=party.side,
        state=MemberState.NOT_INVITED,
    )


@atomic()
async def do_not_invite(actor: Actor, case: Case, party: Party, reason: str) -> Member:
    """A party that is deliberately not invited, for a reason that is kept."""
    if not reason.strip():
        raise Invalid("not_invited_reason", "请写明不邀请的原因", "例如本人拒绝、涉及人身安全。")
    member = await _member_for(actor, case, party, None)
    await _enter(actor, case, member, MemberState.NOT_INVITED, reason)
    return member


async def _enter(actor: Actor, case: Case, member: Member, state: MemberState, reason: str) -> None:
    if member.state is not state and not may_become(member.state, state):
        raise Conflict("member_state", "当前状态不能这样操作", "请刷新后再试。")
    at = clock.now()
    member.state, member.reason = state, reason
    if state is MemberState.JOINED:
        member.joined_at, member.ended_at = at, None
    if state in {MemberState.LEFT, MemberState.REMOVED}:
        member.ended_at = at
    await member.save(update_fields=["state", "reason", "invited_at", "reminders", "joined_at", "ended_at"])
    change = MemberChange(
        member_id=member.id, at=at, state=state, reason=reason, by_kind=actor.kind.value, by_id=actor.id
    )
    await database.write(MemberChange.bulk_create, [change])
    await audit.record(f"member.{state.value}", actor, ("member", member.id), case_id=case.id, unit_id=case.unit_id)


async def invitation_of(token: str) -> Invitation:
    """The invitation behind a token. Raises NotFound for an unknown one, Gone for a used, revoked or expired one."""
    invitation = await Invitation.get_or_none(token_hash=token_hash(token))
    if invitation is None:
        raise NotFound("invitation_not_found", "没有找到这个邀请", "请核对链接或二维码，或联系民警。")
    why = why_unusable(invitation, clock.now())
    if why is not None:
        raise Gone(*GONE[why])
    return invitation


@atomic()
async def open_invitation(actor: Actor, token: str, identity_id: UUID) -> Invitation:
    """Somebody followed or scanned with this token: remembered, so that the chat knows whom to ask. Proves nothing.

    Whoever has given the number and waits for approval stays the one who waits.
    """
    invitation = await invitation_of(token)
    member = await Member.get(id=invitation.member_id)
    if member.state is not MemberState.PENDING_APPROVAL:
        invitation.opened_at, invitation.opened_by_id = clock.now(), identity_id
        await invitation.save(update_fields=["opened_at", "opened_by_id"])
    await audit.record(
        "invitation.opened", actor, ("invitation", invitation.id), case_id=member.case_id, identity=identity_id
    )
    return invitation


async def opened_by(identity_id: UUID) -> Invitation | None:
    """The invitation that this identity opened last and that still holds."""
    return (
        await Invitation.filter(opened_by_id=identity_id, used_at=None, revoked_at=None, expires_at__gt=clock.now())
        .order_by("-opened_at")
        .first()
    )


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of a phone number: `joined`, `pending_approval`, or `wrong_phone` with the tries left."""

    outcome: str
    member: Member
    tries_left: int = 0


@atomic()
async def prove_phone(
    actor: Actor, invitation_id: UUID, identity_id: UUID, phone: str, *, verified_by_platform: bool
) -> Proof:
    """Join with a phone. WeChat's word for it (getuserphonenumber) lets the member in; a typed one waits for approval.

    A wrong or stolen number counts as wrong; after three the invitation is void, so that numbers cannot be guessed.
    Raises Gone for an invitation that no longer holds, Conflict where somebody else waits for approval with it.
    """
    invitation = await Invitation.select_for_update().get(id=invitation_id)
    why = why_unusable(invitation, clock.now())
    if why is not None:
        raise Gone(*GONE[why])
    member = await Member.get(id=invitation.member_id)
    case = await Case.get(id=member.case_id)
    identity = await WechatIdentity.get(id=identity_id)
    contact = await people.has_phone(member.person_id, phone)
    if contact is None or not usable(identity.trust):
        return await _wrong_phone(actor, case, member, invitation)
    if not verified_by_platform:
        _check_nobody_else_waits(member, invitation, identity_id)
        await _enter(actor, case, member, MemberState.PENDING_APPROVAL, "")
        invitation.opened_by_id = identity_id
        await invitation.save(update_fields=["opened_by_id"])
        await notices.notify_pending(case, member)
        return Proof("pending_approval", member)
    await _let_in(actor, case, member, invitation, identity_id)
    return Proof("joined", member)


def _check_nobody_else_waits(member: Member, invitation: Invitation, identity_id: UUID) -> None:
    if member.state is MemberState.PENDING_APPROVAL and invitation.opened_by_id != identity_id:
        raise Conflict(
            "enrolment_waits", "已有人用这个邀请申请加入", "如果不是您本人，请带身份证到派出所，或拨打派出所值班电话。"
        )


@atomic()
async def join_known(actor: Actor, invitation_id: UUID, identity_id: UUID) -> Member:
    """A person whose phone was proved before, on this same identity, joins a further case of theirs at once.

    Raises Gone for an invitation that no longer holds, NotFound where it is meant for somebody else.
    """
    invitation = await Invitation.select_for_update().get(id=invitation_id)
    why = why_unusable(invitation, clock.now())
    if why is not None:
        raise Gone(*GONE[why])
    member = await Member.get_or_none(id=invitation.member_id, person_id=actor.id)
    if member is None:
        raise NotFound("invitation_not_found", "没有找到这个邀请", "请核对链接或二维码，或联系民警。")
    await _let_in(actor, await Case.get(id=member.case_id), member, invitation, identity_id)
    return member


async def _wrong_phone(actor: Actor, case: Case, member: Member, invitation: Invitation) -> Proof:
    invitation.wrong_phones += 1
    left = max(0, WRONG_PHONES - invitation.wrong_phones)
    if not left:
        invitation.revoked_at = clock.now()
    await invitation.save(update_fields=["wrong_phones", "revoked_at"])
    await audit.record(
        "invitation.wrong_phone",
        actor,
        ("invitation", invitation.id),
        case_id=case.id,
        unit_id=case.unit_id,
        tries_left=left,
    )
    return Proof("wrong_phone", member, left)


async def _let_in(actor: Actor, case: Case, member: Member, invitation: Invitation, identity_id: UUID) -> None:
    await people.bind_identity(actor, identity_id, member.person_id)
    invitation.used_at, invitation.used_by_id = clock.now(), identity_id
    await invitation.save(update_fields=["used_at", "used_by_id"])
    await _enter(actor, case, member, MemberState.JOINED, "")
    await notices.notify_joined(member)


async def member_in(case_id: UUID, member_id: UUID) -> Member:
    """A member of this case's group. Raises NotFound."""
    member = await Member.select_for_update().get_or_none(id=member_id, case_id=case_id)
    if member is None:
        raise NotFound("member_not_found", "没有找到这位成员")
    return member


@atomic()
async def approve(actor: Actor, case: Case, member_id: UUID) -> Member:
    """The steward has made sure who it is: the identity that waits is bound, and the member is in."""
    member = await member_in(case.id, member_id)
    invitation = await Invitation.filter(member_id=member.id).order_by("-created_at").first()
    if member.state is not MemberState.PENDING_APPROVAL or invitation is None or invitation.opened_by_id is None:
        raise Conflict("nothing_to_approve", "没有待确认的加入申请", "请刷新后再试。")
    await _let_in(actor, case, member, invitation, invitation.opened_by_id)
    return member


@atomic()
async def refuse(actor: Actor, case: Case, member_id: UUID, reason: str) -> Member:
    """The steward does not believe who asked to join; the member stays invited, the token is void."""
    member = await member_in(case.id, member_id)
    await _enter(actor, case, member, MemberState.INVITED, reason)
    await Invitation.filter(member_id=member.id, used_at=None).update(revoked_at=clock.now())
    return member


@atomic()
async def leave(actor: Actor, member_id: UUID, reason: str = "") -> Member:
    """A party leaves by their own will; the steward can still telephone."""
    member = await Member.select_for_update().get(id=member_id)
    await _enter(actor, await Case.get(id=member.case_id), member, MemberState.LEFT, reason)
    return member


@atomic()
async def remove(actor: Actor, case: Case, member_id: UUID, reason: str) -> Member:
    """An officer takes a member out, for a reason."""
    if not reason.strip():
        raise Invalid("removal_reason", "请写明移出原因", "原因会留存备查。")
    member = await member_in(case.id, member_id)
    await _enter(actor, case, member, MemberState.REMOVED, reason)
    await Invitation.filter(member_id=member.id, used_at=None).update(revoked_at=clock.now())
    return member


@atomic()
async def remove_party(actor: Actor, case: Case, party_id: UUID, reason: str) -> int:
    """A party is concerned no more: everybody who is or may come in for it is out. Answers how many."""
    members = await Member.select_for_update().filter(party_id=party_id).exclude(state=MemberState.REMOVED)
    return sum([bool(await remove(actor, case, member.id, reason)) for member in members])


async def follow_side(party_id: UUID, side: Side) -> None:
    """The members who stand for a party are on its side."""
    await Member.filter(party_id=party_id).exclude(side=side).update(side=side)


async def joined_members(person_id: UUID) -> list[Member]:
    """The memberships by which a person is in groups now, newest case first."""
    return await Member.filter(person_id=person_id, state=MemberState.JOINED).order_by("-joined_at")


async def case_labels(case_ids: Sequence[UUID]) -> list[str]:
    """How a person tells their cases apart: the reference, the unit and the day; never what it is about."""
    rows = await database.fetch(
        "select c.id, c.reference, u.name, c.registered_at from case_file c join unit u on u.id = c.unit_id"
        " where c.id = any($1::uuid[])",
        list(case_ids),
    )
    found = {r["id"]: r for r in rows}
    return [_label(found[case_id]) for case_id in case_ids]


def _label(row: asyncpg.Record) -> str:
    at = clock.local(row["registered_at"])
    return f"{row['reference']} · {row['name']} · {at.month}月{at.day}日登记"


async def membership(person_id: UUID, case_id: UUID) -> Member:
    """The person's own membership in this case. Raises NotFound for everybody else."""
    # A guardian of two parties is in the group twice; the earlier membership speaks.
    joined = Member.filter(person_id=person_id, case_id=case_id, state=MemberState.JOINED)
    member = await joined.order_by("joined_at").first()
    if member is None:
        raise NotFound("case_not_found", "没有找到这个案件", "可能您还没有加入，请凭邀请加入。")
    return member


TO_REMIND = """
select m.id from member m join person p on p.id = m.person_id
where m.state = 'invited' and m.reminders < 2 and m.invited_at <= ($1::timestamptz[])[m.reminders + 1]
  and not p.minor and not p.protected
  and exists (select from invitation i where i.member_id = m.id and i.used_at is null and i.revoked_at is null
              and i.expires_at > $2)
order by m.invited_at limit $3
"""


async def to_remind(limit: int = 200) -> list[Member]:
    """Members whose reminder is due: invited, not joined, reminded less often than the rule says.

    Nobody writes to a child or a protected person unasked; the steward sees them as not joined.
    """
    at = clock.now()
    rows = await database.fetch(TO_REMIND, [at - after for after in REMIND_AFTER], at, limit)
    return await Member.filter(id__in=[row["id"] for row in rows]).order_by("invited_at")


@atomic()
async def remind(actor: Actor, member_id: UUID) -> bool:
    """Remind once; False where they joined meanwhile, or the invitation no longer holds."""
    member = await Member.select_for_update().get(id=member_id)
    invitation = await Invitation.filter(member_id=member.id, used_at=None, revoked_at=None).first()
    if member.state is not MemberState.INVITED or invitation is None or invitation.expires_at <= clock.now():
        return False
    member.reminders += 1
    member.reminded_at = clock.now()
    await member.save(update_fields=["reminders", "reminded_at"])
    await notices.notify_reminder(member, invitation)
    return True


async def expire_invitations() -> int:
    """Void what ran out; answers how many. The members stay invited and show as not joined."""
    return await Invitation.filter(expires_at__lte=clock.now(), used_at=None, revoked_at=None).update(
        revoked_at=clock.now()
    )


MANDATE_OVER = """
select m.id from member m join proxy x on x.id = m.proxy_id
where x.valid_to <= $1 and m.state in ('invited', 'pending_approval', 'joined') order by x.valid_to limit $2
"""


async def mandates_over(limit: int = 200) -> list[UUID]:
    """Members who act for a party by a mandate that has ended."""
    return [row["id"] for row in await database.fetch(MANDATE_OVER, clock.now(), limit)]
