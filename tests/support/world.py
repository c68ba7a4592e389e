"""A small police world for tests: a bureau, a sub-bureau, two stations and the officers in them; cases with parties."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from kit import clock
from stewardship.casework.cases.models import Case, CaseKind, Sensitivity
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.models import Member
from stewardship.casework.groups.service import Issued
from stewardship.casework.parties.models import Party, PartyRole, Side
from stewardship.casework.updates.models import AudienceKind
from stewardship.casework.updates.rules import Audience
from stewardship.casework.updates.service import Posted, post_update
from stewardship.conversations.said import Said, SaidKind, Speaker
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Level, Officer, Role, ShiftKind, Unit, UnitKind
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Platform, WechatIdentity
from stewardship.intake import CaseDraft, PartyDraft, Registered, register_case

MONDAY_MORNING = datetime(2026, 3, 16, 1, 0, tzinfo=UTC)
"""09:00 in Shanghai on an ordinary working Monday."""
OA = "wxdemo000000000oa1"
_numbers = itertools.count(1)


@dataclass
class World:
    """The units and officers of a test."""

    bureau: Unit
    sub_bureau: Unit
    station: Unit
    other_station: Unit
    steward: Officer
    colleague: Officer
    instructor: Officer
    sub_instructor: Officer
    centre_officer: Officer
    inspector: Officer
    other_steward: Officer


async def build_world() -> World:
    """Three levels, two stations below one sub-bureau, and who works there."""
    since = date(2020, 1, 1)
    run = next(_numbers)

    async def unit(name: str, level: Level, kind: UnitKind, parent: Unit | None) -> Unit:
        return await org.create_unit(
            SYSTEM,
            code=f"{kind.value[:8]}{run}{next(_numbers)}",
            name=name,
            level=level,
            kind=kind,
            parent=parent,
            valid_from=since,
            duty_phone="0551-00000000",
        )

    bureau = await unit("云州市公安局", Level.BUREAU, UnitKind.BUREAU, None)
    sub_bureau = await unit("湖东分局", Level.SUB_BUREAU, UnitKind.SUB_BUREAU, bureau)
    station = await unit("柳堤派出所", Level.TEAM, UnitKind.POLICE_STATION, sub_bureau)
    other = await unit("石桥派出所", Level.TEAM, UnitKind.POLICE_STATION, sub_bureau)

    async def officer(name: str, where: Unit, role: Role, over: Unit | None = None) -> Officer:
        person = await org.create_officer(
            SYSTEM, number=f"9{run:03}{next(_numbers):05}", name=name, unit_id=where.id, mobile="19900009999"
        )
        await org.grant_role(SYSTEM, person.id, role, (over or where).id)
        return person

    return World(
        bureau,
        sub_bureau,
        station,
        other,
        steward=await officer("王青", station, Role.STEWARD),
        colleague=await officer("李白", station, Role.STEWARD),
        instructor=await officer("赵方", station, Role.INSTRUCTOR),
        sub_instructor=await officer("钱江", sub_bureau, Role.INSTRUCTOR),
        centre_officer=await officer("孙中", bureau, Role.CENTRE_OFFICER),
        inspector=await officer("周察", bureau, Role.INSPECTOR),
        other_steward=await officer("吴旁", other, Role.STEWARD),
    )


async def acting(officer: Officer) -> Actor:
    """The officer as an actor, with the roles they hold."""
    return Actor(ActorKind.OFFICER, officer.id, home_unit_id=officer.unit_id, grants=await org.grants_of(officer.id))


def phone() -> str:
    """A fictional mobile number nobody else in the test has."""
    return f"199{next(_numbers):08}"


def draft(role: PartyRole, side: Side = Side.NONE, name: str = "张三丰", number: str | None = None) -> PartyDraft:
    """Somebody concerned, with a phone."""
    return PartyDraft(name=name, roles=frozenset({role}), phone=number or phone(), side=side)


async def register(
    world: World,
    parties: Sequence[PartyDraft],
    *,
    kind: CaseKind | None = CaseKind.PUBLIC_ORDER,
    sensitivities: frozenset[Sensitivity] = frozenset(),
    deputy: Officer | None = None,
) -> Registered:
    """A case of the steward's, with its parties invited."""
    return await register_case(
        await acting(world.steward),
        CaseDraft(
            unit_id=world.station.id,
            steward_id=world.steward.id,
            deputy_id=deputy.id if deputy else None,
            kind=kind,
            sensitivities=sensitivities,
            sensitivity_known=True,
        ),
        parties,
    )


async def follower(name: str | None = None, app_id: str = OA) -> WechatIdentity:
    """A user of the official account that nobody knows yet."""
    return await people.identity_of(Platform.OFFICIAL_ACCOUNT, app_id, name or f"openid-{next(_numbers)}")


async def join(issued: Issued, number: str) -> WechatIdentity:
    """The member joins with a phone that WeChat proved; answers the identity they join with."""
    identity = await follower()
    actor = Actor(ActorKind.CITIZEN, None, identity_id=identity.id)
    proof = await groups.prove_phone(actor, issued.invitation.id, identity.id, number, verified_by_platform=True)
    assert proof.outcome == "joined"
    return await WechatIdentity.get(id=identity.id)


@dataclass
class Joined:
    """A case with two opponents who are both in the group."""

    case: Case
    parties: tuple[Party, ...]
    members: tuple[Member, ...]
    identities: tuple[WechatIdentity, ...]
    numbers: tuple[str, ...]


async def case_with(world: World, *roles: tuple[PartyRole, Side], **options: object) -> Joined:
    """A case whose parties have all joined, in the order given."""
    numbers = [phone() for _ in roles]
    drafts = [draft(role, side, number=number) for (role, side), number in zip(roles, numbers, strict=True)]
    registered = await register(world, drafts, **options)  # type: ignore[arg-type]  # passed on by name.
    identities = [await join(issued, number) for issued, number in zip(registered.issued, numbers, strict=True)]
    members = [await Member.get(id=issued.member.id) for issued in registered.issued]
    return Joined(registered.case, registered.parties, tuple(members), tuple(identities), tuple(numbers))


async def post(
    world: World, case: Case, text: str, audience: Audience | None = None, stage: str | None = None
) -> Posted:
    """The steward posts progress."""
    return await post_update(
        await acting(world.steward),
        case.id,
        text=text,
        awaited="等待鉴定意见",
        next_contact_on=clock.today() + timedelta(days=5),
        audience=audience or Audience(AudienceKind.EVERYONE),
        stage=stage,
    )


async def on_leave(world: World, officer: Officer, days: int = 3) -> None:
    """The officer is on leave from now on."""
    at = clock.now()
    await org.roster(
        SYSTEM,
        unit_id=world.station.id,
        officer_id=officer.id,
        kind=ShiftKind.LEAVE,
        starts_at=at - timedelta(hours=1),
        ends_at=at + timedelta(days=days),
    )


def says(identity: WechatIdentity, text: str, **details: str) -> tuple[Speaker, Said]:
    """A text message of this follower."""
    return (
        Speaker(identity.app_id, identity.openid, "oa"),
        Said(SaidKind.TEXT, f"message:{next(_numbers)}", text=text, **details),
    )
