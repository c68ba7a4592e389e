"""Who I am: to the mini-program and to the desk; proving a phone; binding an officer's WeChat; the password."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from api import limits
from api.csrf import clear_cookies
from api.deps import ActorDep, ServicesDep, identity_of, officer_id_of
from api.errors import Away
from api.invitations import verified_phone
from api.schemas import EXAMPLE_ID, Done, Payload, View, words
from api.sessions import WechatCode
from kit import clock
from kit.ids import token_hash
from kit.valkey import RedisError
from stewardship.foundation.actors import ActorKind
from stewardship.foundation.errors import Gone, NotFound
from stewardship.foundation.org.models import Officer, Role, Unit
from stewardship.foundation.people import officer_login, recognition
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Person
from stewardship.foundation.people.rules import masked_name, normal_phone

router = APIRouter(tags=["me"])

BINDING_LIFE = timedelta(minutes=10)
BINDING_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
BINDING_LENGTH = 10

BindingCode = Annotated[str, StringConstraints(pattern=r"^[2-9A-HJ-NP-Z]{10}$"), Field(examples=["7KQ2MX9RT4"])]
Password = Annotated[str, StringConstraints(min_length=1, max_length=128), Field(examples=["correct Horse 7"])]


class HeldRole(View):
    """A role, and how many units it covers."""

    role: Role = Field(examples=["steward"])
    units: int = Field(examples=[1])


class Me(View):
    """Who is logged in. A citizen's name is masked; what is null is not known or does not apply."""

    kind: Literal["citizen", "officer"] = Field(examples=["officer"])
    id: UUID | None = Field(examples=[EXAMPLE_ID])
    name: str | None = Field(examples=["王敏"])
    known: bool = Field(examples=[True])
    elderly_mode: bool = Field(default=False, examples=[False])
    number: str | None = Field(default=None, examples=["031582"])
    unit_id: UUID | None = Field(default=None, examples=[EXAMPLE_ID])
    unit_name: str | None = Field(default=None, examples=["莲花派出所"])
    roles: list[HeldRole] = Field(default_factory=list)


class PhoneProof(Payload):
    phone_code: WechatCode


class CodeWord(Payload):
    text: Annotated[str, words(32)] = Field(examples=["栀子花"])


class Known(View):
    """Whether this WeChat now belongs to a person we know."""

    known: bool = Field(examples=[True])


class BindingOffer(View):
    """To be typed into the officer's mini-program; holds once."""

    code: str = Field(examples=["7KQ2MX9RT4"])
    expires_at: datetime = Field(examples=["2026-03-02T01:40:00Z"])


class Binding(Payload):
    code: BindingCode


class PasswordChange(Payload):
    old: Password
    new: Password


@router.get("/me")
async def get_me(actor: ActorDep) -> Me:
    """Who is logged in, with which roles."""
    if actor.kind is ActorKind.CITIZEN:
        return await _citizen(actor.id)
    officer = await Officer.get(id=actor.id)
    unit = await Unit.get(id=officer.unit_id)
    return Me(
        kind="officer",
        id=officer.id,
        name=officer.name,
        known=True,
        number=officer.number,
        unit_id=unit.id,
        unit_name=unit.name,
        roles=[HeldRole(role=grant.role, units=len(grant.unit_ids)) for grant in actor.grants],
    )


async def _citizen(person_id: UUID | None) -> Me:
    person = await Person.get_or_none(id=person_id) if person_id else None
    if person is None:
        return Me(kind="citizen", id=None, name=None, known=False)
    name = masked_name(person.name)
    return Me(kind="citizen", id=person.id, name=name, known=True, elderly_mode=person.elderly_mode)


@router.post("/me/phone")
async def prove_phone(payload: PhoneProof, actor: ActorDep, services: ServicesDep) -> Known:
    """Prove a phone by WeChat: who joined by another way is recognised. Nothing is told of anybody else."""
    identity_id = identity_of(actor)
    await services.limiter.check(limits.INVITATION_ACCOUNT, str(identity_id))
    phone = normal_phone(await verified_phone(services, payload.phone_code))
    person_id = await recognition.recognise(actor, identity_id, phone)
    await services.sessions.forget_identity(identity_id)
    return Known(known=person_id is not None)


@router.post("/me/code-word")
async def speak_code_word(payload: CodeWord, actor: ActorDep, services: ServicesDep) -> Known:
    """A protected person says their code word; for everybody else, and every other word, nothing changes."""
    identity_id = identity_of(actor)
    await services.limiter.check(limits.CODE_WORD, str(identity_id))
    spoken = await recognition.speak_code_word(actor, identity_id, payload.text)
    unlocked = spoken and actor.session_id is not None and await services.sessions.unlock(actor.session_id)
    return Known(known=unlocked or actor.id is not None)


def _binding_key(code: str) -> str:
    return f"binding:{token_hash(code).hex()}"


@router.post("/me/wechat-binding", status_code=201)
async def offer_binding(actor: ActorDep, services: ServicesDep) -> BindingOffer:
    """A one-time code that binds the officer's WeChat: logged in at the desk, typed into the mini-program."""
    code = "".join(secrets.choice(BINDING_LETTERS) for _ in range(BINDING_LENGTH))
    try:
        await services.redis.set(_binding_key(code), str(officer_id_of(actor)), ex=int(BINDING_LIFE.total_seconds()))
    except RedisError as error:
        raise Away from error
    return BindingOffer(code=code, expires_at=clock.real_now() + BINDING_LIFE)


@router.post("/bindings/officer")
async def bind_officer(payload: Binding, actor: ActorDep, services: ServicesDep) -> Done:
    """In the mini-program: this WeChat is the officer's who was shown the code."""
    identity_id = identity_of(actor)
    await services.limiter.check(limits.BINDING, str(identity_id))
    try:
        offered = await services.redis.getdel(_binding_key(payload.code))
    except RedisError as error:
        raise Away from error
    if offered is None:
        raise Gone("binding_code_gone", "绑定码无效或已过期", "请在电脑上重新取得绑定码。")
    officer_id = UUID(offered.decode() if isinstance(offered, bytes) else offered)
    if not await Officer.exists(id=officer_id, active=True):
        raise NotFound("officer_not_found", "没有找到这位民警")
    await people.bind_officer(actor, identity_id, officer_id)
    return Done()


@router.post("/me/password")
async def change_password(payload: PasswordChange, response: Response, actor: ActorDep, services: ServicesDep) -> Done:
    """Change one's password. Every session ends, this one too."""
    officer_id = officer_id_of(actor)
    await services.limiter.check(limits.LOGIN_ACCOUNT, str(officer_id))
    await officer_login.change_password(actor, officer_id, payload.old, payload.new)
    await services.sessions.forget_officer(officer_id)
    clear_cookies(response)
    return Done()
