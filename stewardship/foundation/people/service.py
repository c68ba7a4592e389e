"""Persons, contacts, WeChat identities; revealing what is masked, with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.queryset import QuerySet

from kit import clock, database, jobs
from kit.crypto import vault
from kit.database import atomic, in_transaction
from kit.ids import new_id
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Invalid, NotFound
from stewardship.foundation.people import sessions
from stewardship.foundation.people.models import (
    CODE_WORD,
    CONTACT,
    ID_NUMBER,
    NAME,
    Contact,
    Person,
    PersonKind,
    Platform,
    ProtectionPlan,
    SubscriptionCredit,
    Trust,
    WechatIdentity,
)
from stewardship.foundation.people.rules import normal_phone, usable

REASON_LENGTH = 4
UNIONID = "unionid"
ASK_FOR_UNIONID = "people.unionid"
"""The job that asks the platform under which unionid it knows a follower."""


@atomic()
async def create_person(
    actor: Actor,
    *,
    name: str,
    phone: str | None,
    id_number: str | None = None,
    kind: PersonKind = PersonKind.NATURAL,
    minor: bool = False,
    elderly_mode: bool = False,
) -> Person:
    """Register a person. A phone told to an officer is trusted until somebody says otherwise."""
    ring, index = vault().ring, vault().index
    person = await Person.create(
        kind=kind,
        name_sealed=ring.seal_text(name, NAME),
        id_number_sealed=ring.seal_text(id_number, ID_NUMBER) if id_number else None,
        id_number_index=index.of(id_number, ID_NUMBER) if id_number else None,
        minor=minor,
        elderly_mode=elderly_mode,
    )
    if phone:
        await add_contact(actor, person.id, phone)
    await audit.record("person.created", actor, ("person", person.id))
    return person


@atomic()
async def add_contact(actor: Actor, person_id: UUID, phone: str, trust: Trust = Trust.TRUSTED) -> Contact:
    """Add a phone number. Raises Invalid where it is none."""
    number = normal_phone(phone)
    contact = await Contact.create(
        person_id=person_id,
        value_sealed=vault().ring.seal_text(number, CONTACT),
        value_index=vault().index.of(number, CONTACT),
        trust=trust,
        verified_at=clock.now() if trust is Trust.TRUSTED else None,
    )
    await audit.record("contact.added", actor, ("contact", contact.id), person=person_id, trust=trust.value)
    return contact


async def persons_with_phone(number: str) -> list[Contact]:
    """The contacts that hold this number; several persons may share one."""
    candidates = vault().index.candidates(normal_phone(number), CONTACT)
    return await Contact.filter(value_index__in=candidates)


async def contacts_with(number: str) -> list[Contact]:
    """As `persons_with_phone`, and nothing for what is no number of ours."""
    try:
        return await persons_with_phone(number)
    except Invalid:
        return []


async def has_phone(person_id: UUID, number: str) -> Contact | None:
    """The person's own usable contact with this number, if they have it."""
    contacts = [c for c in await persons_with_phone(number) if c.person_id == person_id and usable(c.trust)]
    return contacts[0] if contacts else None


async def sole_holder(number: str) -> UUID | None:
    """The one person whose usable contact this number is; None where nobody or several hold it."""
    contacts = await contacts_with(number)
    holders = {c.person_id for c in contacts if usable(c.trust) and c.trust is not Trust.SHARED}
    return holders.pop() if len(holders) == 1 and all(usable(c.trust) for c in contacts) else None


async def check_safely_asked(person_id: UUID, safely_asked: bool) -> None:
    """Raises Conflict for a change of a protected person's contacts or proxies that they were not asked about safely.

    Whoever stands beside them may have made them ask for it; so an officer calls the safe number first, and says so.
    """
    if not safely_asked and await Person.exists(id=person_id, protected=True):
        raise Conflict(
            "safe_call_needed",
            "此人受保护，不能直接变更",
            "请先拨打其安全电话，向本人核实后，再勾选“已拨打安全电话核实”。",
        )


@atomic()
async def mark_contact(
    actor: Actor, contact_id: UUID, trust: Trust, reason: str, *, safely_asked: bool = False
) -> None:
    """Say how far a contact is believed. A stolen one takes every session and identity of the person with it.

    The holder of a stolen phone holds its WeChat too, so the identities are marked alike and every session ends.
    Raises as `check_safely_asked` where a protected person's contact is to be believed.
    """
    contact = await Contact.get_or_none(id=contact_id)
    if contact is None:
        raise NotFound("contact_not_found", "没有找到这个联系方式")
    if trust is Trust.TRUSTED:
        await check_safely_asked(contact.person_id, safely_asked)
    contact.trust = trust
    contact.verified_at = clock.now() if trust is Trust.TRUSTED else contact.verified_at
    await contact.save(update_fields=["trust", "verified_at"])
    if not usable(trust):
        await WechatIdentity.filter(person_id=contact.person_id).update(trust=trust)
        await sessions.revoke_sessions(actor, person_id=contact.person_id, reason=f"contact_{trust.value}")
    await audit.record(
        "contact.marked", actor, ("contact", contact.id), person=contact.person_id, trust=trust.value, reason=reason
    )


@atomic()
async def verify_person(
    actor: Actor, person_id: UUID, identity_id: UUID | None, phone: str | None, *, safely_asked: bool = False
) -> None:
    """An officer has seen the person again: their new phone, or the identity they showed, is theirs.

    Raises as `check_safely_asked`.
    """
    await check_safely_asked(person_id, safely_asked)
    if phone:
        contact = await has_phone(person_id, phone)
        if contact is None:
            await add_contact(actor, person_id, phone)
    if identity_id is not None:
        changed = await WechatIdentity.filter(id=identity_id, person_id=person_id).update(trust=Trust.TRUSTED)
        if not changed:
            raise NotFound("identity_not_found", "没有找到这个微信")
    await audit.record("person.verified", actor, ("person", person_id), identity=identity_id, safely_asked=safely_asked)


@atomic()
async def protect(
    actor: Actor,
    person_id: UUID,
    *,
    code_word: str,
    safe_phone: str | None,
    pretext: str,
    hours_from: int = 9 * 60,
    hours_to: int = 18 * 60,
    safely_asked: bool = False,
) -> ProtectionPlan:
    """Make a person protected: reached only by the safe phone, in these hours (minutes of the day), by this pretext.

    Raises Invalid for an incomplete plan; for a change of one that stands, as `check_safely_asked`.
    """
    await check_safely_asked(person_id, safely_asked)
    if not code_word.strip() or not 0 <= hours_from < hours_to <= 24 * 60:
        raise Invalid("protection_plan", "保护方案不完整", "请填写暗语，并核对可联系的时间段。")
    contact = await add_contact(actor, person_id, safe_phone) if safe_phone else None
    plan, _ = await ProtectionPlan.update_or_create(
        person_id=person_id,
        defaults={
            "safe_contact_id": contact.id if contact else None,
            "hours_from": hours_from,
            "hours_to": hours_to,
            "code_word_index": vault().index.of(code_word.strip(), CODE_WORD),
            "pretext": pretext,
            "set_by_id": actor.id or new_id(),
            "set_at": clock.now(),
        },
    )
    await Person.filter(id=person_id).update(protected=True)
    await audit.record("person.protected", actor, ("person", person_id), safely_asked=safely_asked)
    return plan


def is_code_word(plan: ProtectionPlan, text: str) -> bool:
    """Whether the text is the plan's code word."""
    return vault().index.matches(plan.code_word_index, text.strip(), CODE_WORD)


async def identity_of(platform: Platform, app_id: str, openid: str, unionid: str | None = None) -> WechatIdentity:
    """The user of this account, created at first sight; a unionid joins it to the person known by another account."""
    known = await WechatIdentity.get_or_none(app_id=app_id, openid=openid)
    if known is not None and (unionid is None or known.unionid == unionid):
        return known
    if known is None:
        known = await _create_identity(platform, app_id, openid)
    return await _learn_unionid(known.id, unionid) if unionid and known.unionid != unionid else known


@atomic()
async def _learn_unionid(identity_id: UUID, unionid: str) -> WechatIdentity:
    """Whoever is bound under the same unionid at this moment is either seen here, or sees this identity."""
    await database.advisory_lock(UNIONID, unionid)
    identity = await WechatIdentity.select_for_update().get(id=identity_id)
    identity.unionid = unionid
    if identity.person_id is None:
        await _join_by_unionid(identity)
    if identity.officer_id is None:
        officer = await WechatIdentity.filter(unionid=unionid, officer_id__isnull=False).first()
        identity.officer_id = officer.officer_id if officer else None
    await identity.save(update_fields=["unionid", "person_id", "trust", "officer_id"])
    return identity


async def ask_for_unionid(identity: WechatIdentity) -> None:
    """A callback names no unionid: ask the platform, in a job, so that who joined in the mini-program is known here."""
    if identity.unionid is None:
        payload = {"identity_id": str(identity.id)}
        await jobs.enqueue(ASK_FOR_UNIONID, payload, dedupe_key=str(identity.id))


async def _create_identity(platform: Platform, app_id: str, openid: str) -> WechatIdentity:
    try:
        async with in_transaction():
            return await WechatIdentity.create(platform=platform, app_id=app_id, openid=openid)
    except IntegrityError:
        # Another request met the same user a moment earlier.
        return await WechatIdentity.get(app_id=app_id, openid=openid)


async def _join_by_unionid(identity: WechatIdentity) -> None:
    same = await WechatIdentity.filter(unionid=identity.unionid, person_id__isnull=False).first()
    if same is not None:
        identity.person_id, identity.trust = same.person_id, same.trust


def trusted(identity: WechatIdentity) -> bool:
    """Whether this WeChat user is believed to be the person it is bound to."""
    return identity.person_id is not None and identity.trust is Trust.TRUSTED


@atomic()
async def bind_identity(actor: Actor, identity_id: UUID, person_id: UUID, trust: Trust = Trust.TRUSTED) -> None:
    """This WeChat user is this person; identities of the same unionid follow.

    Raises Conflict where it is trusted to be somebody else: a WeChat that two share would show each the other's case.
    """
    identity = await WechatIdentity.get(id=identity_id)
    if trusted(identity) and identity.person_id != person_id:
        raise Conflict(
            "wechat_taken",
            "这个微信已是另一位当事人的",
            "请用您本人的微信加入；没有微信，请联系民警，改用短信或电话联系您。",
        )
    await (await _same_user(identity_id)).update(person_id=person_id, trust=trust)
    await audit.record("identity.bound", actor, ("identity", identity_id), person=person_id)


async def _same_user(identity_id: UUID) -> QuerySet[WechatIdentity]:
    """All identities of this WeChat user that we know of; none is learnt meanwhile."""
    identity = await WechatIdentity.get(id=identity_id)
    if not identity.unionid:
        return WechatIdentity.filter(id=identity_id)
    await database.advisory_lock(UNIONID, identity.unionid)
    return WechatIdentity.filter(unionid=identity.unionid)


@atomic()
async def bind_officer(actor: Actor, identity_id: UUID, officer_id: UUID) -> None:
    """This WeChat user is this officer; identities of the same unionid follow, so that our official account's do."""
    await (await _same_user(identity_id)).update(officer_id=officer_id)
    await audit.record("identity.bound_to_officer", actor, ("identity", identity_id), officer=officer_id)


@atomic()
async def add_credits(identity_id: UUID, accepted: Sequence[str], refused: Sequence[str] = ()) -> None:
    """A consent was given (one send each) or refused for these template ids."""
    for template_id in accepted:
        await database.execute(
            "insert into subscription_credit (id, identity_id, template_id, remaining, long_term) values"
            " ($1, $2, $3, 1, false) on conflict (identity_id, template_id) do update"
            " set remaining = subscription_credit.remaining + 1, refused_at = null",
            new_id(),
            identity_id,
            template_id,
        )
    if refused:
        await SubscriptionCredit.filter(identity_id=identity_id, template_id__in=list(refused)).update(
            refused_at=clock.now()
        )


@atomic()
async def reveal(actor: Actor, person: Person, field: str, reason: str, *, case_id: UUID, relation: str) -> str:
    """What the API shows masked, in the clear, for a reason that an inspector reads. Raises Invalid without one."""
    if len(reason.strip()) < REASON_LENGTH:
        raise Invalid("reveal_reason", "请写明查看原因", "查看完整信息会被记录，请写明原因（不少于 4 个字）。")
    event_id = await audit.record(
        "person.revealed",
        actor,
        ("person", person.id),
        case_id=case_id,
        relation=relation,
        field=field,
        reason_length=len(reason),
    )
    await audit.keep_reason(event_id, reason)
    if field == "name":
        return person.name
    if field == "id_number" and person.id_number_sealed:
        return vault().ring.open_text(person.id_number_sealed, ID_NUMBER)
    contact = await Contact.filter(person_id=person.id).order_by("-preferred", "created_at").first()
    if field == "phone" and contact:
        return contact.value
    raise NotFound("field_not_found", "没有这项信息")
