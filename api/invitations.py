"""Joining a case's group with an invitation and a phone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Path
from pydantic import Field, StringConstraints, model_validator

from api import limits
from api.deps import ActorDep, AddressDep, ServicesDep, identity_of
from api.errors import WrongPhone, platform_problem
from api.schemas import Payload, View
from api.services import Services
from api.sessions import WechatCode
from stewardship.casework.cases.models import Case
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.models import Member
from stewardship.foundation.org.models import Unit
from wechat.errors import CallError

router = APIRouter(tags=["invitations"])

Token = Annotated[
    str,
    Path(min_length=16, max_length=64, pattern=r"^[0-9A-Za-z_-]+$", examples=["Vb3yQ0b6Q1-kJ2mN8pLx5w7Zt9RcAaE4"]),
]
TypedPhone = Annotated[str, StringConstraints(pattern=r"^[0-9+() -]{7,20}$"), Field(examples=["13800000000"])]


class InvitationView(View):
    """What an invitation is, to whoever holds it: the unit, and nothing of the case or the person."""

    state: Literal["open"] = Field(examples=["open"])
    unit_name: str = Field(examples=["莲花派出所"])
    desk_phone: str = Field(examples=["0551-60000000"], description="To ask whether it is genuine.")
    expires_at: datetime = Field(examples=["2026-03-16T01:30:00Z"])


class Join(Payload):
    """One of the two: WeChat's word for the phone, or a typed number, which waits for the steward."""

    phone_code: WechatCode | None = Field(default=None, examples=["e31968a7f94cc5ee25fafc2aef2773f0bb8c3937b22520eb8"])
    phone: TypedPhone | None = Field(default=None, examples=[None])

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.phone_code is None) == (self.phone is None):
            raise ValueError("give phone_code or phone")
        return self


class Joined(View):
    """`joined`: in. `pending_approval`: the steward makes sure first."""

    state: Literal["joined", "pending_approval"] = Field(examples=["joined"])


@router.get("/invitations/{token}")
async def get_invitation(token: Token, services: ServicesDep, address: AddressDep) -> InvitationView:
    """Look at an invitation. 410 once it is over: `invitation_used`, `invitation_revoked`, `invitation_expired`."""
    await services.limiter.check(limits.INVITATION_ADDRESS, address)
    invitation = await groups.invitation_of(token)
    member = await Member.get(id=invitation.member_id)
    case = await Case.get(id=member.case_id)
    unit = await Unit.get(id=case.unit_id)
    return InvitationView(
        state="open", unit_name=unit.name, desk_phone=unit.duty_phone, expires_at=invitation.expires_at
    )


@router.post("/invitations/{token}/join")
async def join(token: Token, payload: Join, actor: ActorDep, services: ServicesDep) -> Joined:
    """Join by proving the phone that was registered. `wrong_phone` carries `tries_left`; after three it is void."""
    identity_id = identity_of(actor)
    await services.limiter.check(limits.INVITATION_ACCOUNT, str(identity_id))
    invitation = await groups.invitation_of(token)
    phone = await verified_phone(services, payload.phone_code) if payload.phone_code else payload.phone or ""
    proof = await groups.prove_phone(
        actor, invitation.id, identity_id, phone, verified_by_platform=payload.phone_code is not None
    )
    if proof.outcome == "wrong_phone":
        raise WrongPhone(proof.tries_left)
    await services.sessions.forget_identity(identity_id)
    return Joined(state="joined" if proof.outcome == "joined" else "pending_approval")


async def verified_phone(services: Services, code: str) -> str:
    """The number behind a code of the phone-number button, asked of WeChat."""
    try:
        return (await services.mini_program.phone_number(code)).phone
    except CallError as error:
        raise platform_problem(error) from error
