"""Cases whose parties have telephones: most chat, some only get text messages, some cannot be reached at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from demo.setting import register_templates
from demo.web import Web
from kit import clock, clock_offset, database
from stewardship.casework.cases.models import Case
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.models import Member
from stewardship.casework.groups.service import Issued
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.clocks import policies
from stewardship.foundation.people.models import WechatIdentity
from tests.support.world import World, acting, build_world, draft, join, phone, register

PARTIES = ((PartyRole.VICTIM, Side.A), (PartyRole.VICTIM, Side.A), (PartyRole.SUSPECT, Side.B))


@dataclass(frozen=True, slots=True)
class Citizen:
    """A party: who they are to us, and their telephone on the platform, if they have one."""

    member_id: UUID
    case_id: UUID
    telephone: str
    chats: bool


@dataclass
class Town:
    """What the storm meets."""

    world: World
    steward: Actor
    cases: list[Case] = field(default_factory=list)
    citizens: list[Citizen] = field(default_factory=list)

    @property
    def chatting(self) -> list[Citizen]:
        return [citizen for citizen in self.citizens if citizen.chats]


async def set_time(world: World, platform: Web) -> None:
    """It is ten in the morning of a working day, for us and for the platform."""
    tomorrow = datetime.combine(clock.today() + timedelta(days=1), time(0), clock.LOCAL)
    to = await policies.next_duty(world.station.id, tomorrow) + timedelta(hours=1, minutes=30)
    offset = await clock_offset.move(to - clock.now())
    await platform.call("PUT", "/control/clock", {"offset_seconds": offset.total_seconds()})


async def build(platform: Web, public_url: str, cases: int) -> Town:
    """Register everybody, with the running server's help where a telephone is involved."""
    world = await build_world()
    await set_time(world, platform)
    await register_templates(platform, public_url)
    limits = {"same_content_per_30_seconds": 10_000, "per_day": 100_000, "report_delay": 0.1}
    await platform.call("PATCH", "/control/accounts/sms", limits)
    town = Town(world, await acting(world.steward))
    for _ in range(cases):
        numbers = [phone() for _ in PARTIES]
        drafts = [draft(role, side, number=number) for (role, side), number in zip(PARTIES, numbers, strict=True)]
        registered = await register(world, drafts, deputy=world.colleague)
        town.cases.append(registered.case)
        for issued, number in zip(registered.issued, numbers, strict=True):
            town.citizens.append(await _settle(town, platform, issued, number))
    return town


async def _settle(town: Town, platform: Web, issued: Issued, number: str) -> Citizen:
    """Of every six, four chat, one has a telephone but does not follow us, one has a number that does not exist."""
    place = len(town.citizens)
    telephone = f"phone{place}"
    member = issued.member
    if place % 6 != 5:
        await platform.call("PUT", f"/control/phones/{telephone}", {"name": f"市民{place}", "phone_number": number})
    chats = place % 6 < 4
    if chats:
        await _follow_and_join(platform, telephone, issued, number)
    else:
        await join(issued, number)
    return Citizen(member.id, member.case_id, telephone, chats)


async def _follow_and_join(platform: Web, telephone: str, issued: Issued, number: str) -> None:
    shown: dict[str, Any] = await platform.call("GET", f"/control/phones/{telephone}")
    await platform.call("POST", f"/control/phones/{telephone}/follow", query={"wait": "20"})
    identity = await WechatIdentity.get(openid=shown["oa_openid"])
    actor = Actor(ActorKind.CITIZEN, None, identity_id=identity.id)
    proof = await groups.prove_phone(actor, issued.invitation.id, identity.id, number, verified_by_platform=True)
    assert proof.outcome == "joined"
    assert (await Member.get(id=issued.member.id)).person_id is not None
    assert await database.fetchval("select following from wechat_identity where id = $1", identity.id)
