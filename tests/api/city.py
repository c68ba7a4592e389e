"""A small city for the API's tests: a bureau, a sub-bureau, two stations, an officer of every kind, and a case."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from kit.ids import new_id
from stewardship import intake
from stewardship.casework.cases.models import Case, CaseKind
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Level, Officer, Role, Unit, UnitKind
from stewardship.foundation.people import service as people
from stewardship.foundation.people import sessions
from stewardship.foundation.people.models import Platform, SessionKind, WechatIdentity

FOUNDED = date(2020, 1, 1)


@dataclass
class City:
    """Units, officers by a word for each, and the case of the story with its two sides."""

    bureau: Unit
    sub_bureau: Unit
    station: Unit
    other_station: Unit
    other_sub_bureau: Unit
    officers: dict[str, Officer] = field(default_factory=dict)
    citizens: dict[str, UUID] = field(default_factory=dict)
    """Identities by a word for each."""
    members: dict[str, Member] = field(default_factory=dict)
    case: Case = field(init=False)
    other_case: Case = field(init=False)

    def actor(self, name: str) -> Actor:
        """An officer of the city acting, as their session would show them; roles are filled in by `acting`."""
        officer = self.officers[name]
        return Actor(ActorKind.OFFICER, officer.id, home_unit_id=officer.unit_id)


async def acting(officer: Officer) -> Actor:
    """The officer with the roles they hold now."""
    return Actor(ActorKind.OFFICER, officer.id, home_unit_id=officer.unit_id, grants=await org.grants_of(officer.id))


async def unit(name: str, level: Level, kind: UnitKind, parent: Unit | None) -> Unit:
    """A unit with a desk phone."""
    return await org.create_unit(
        SYSTEM,
        code=new_id().hex[-12:],
        name=name,
        level=level,
        kind=kind,
        parent=parent,
        valid_from=FOUNDED,
        duty_phone="0551-60000000",
    )


async def found_city() -> City:
    """Build it."""
    bureau = await unit("云州市公安局", Level.BUREAU, UnitKind.BUREAU, None)
    sub = await unit("莲花分局", Level.SUB_BUREAU, UnitKind.SUB_BUREAU, bureau)
    other_sub = await unit("东山分局", Level.SUB_BUREAU, UnitKind.SUB_BUREAU, bureau)
    station = await unit("莲花派出所", Level.TEAM, UnitKind.POLICE_STATION, sub)
    other = await unit("东山派出所", Level.TEAM, UnitKind.POLICE_STATION, other_sub)
    city = City(bureau, sub, station, other, other_sub)
    posts = {
        "steward": (station, Role.STEWARD, station),
        "colleague": (station, Role.STEWARD, station),
        "duty_officer": (station, Role.STEWARD, station),
        "stranger_steward": (other, Role.STEWARD, other),
        "instructor": (station, Role.INSTRUCTOR, station),
        "other_instructor": (other, Role.INSTRUCTOR, other),
        "centre_officer": (sub, Role.CENTRE_OFFICER, sub),
        "other_centre_officer": (other_sub, Role.CENTRE_OFFICER, other_sub),
        "inspector": (bureau, Role.INSPECTOR, bureau),
        "other_inspector": (other_sub, Role.INSPECTOR, other_sub),
        "system_administrator": (bureau, Role.SYSTEM_ADMINISTRATOR, bureau),
        "security_administrator": (bureau, Role.SECURITY_ADMINISTRATOR, bureau),
        "audit_administrator": (bureau, Role.AUDIT_ADMINISTRATOR, bureau),
    }
    for number, (name, (home, role, over)) in enumerate(posts.items()):
        officer = await org.create_officer(SYSTEM, number=f"{new_id().hex[-8:]}{number}", name="王敏", unit_id=home.id)
        await org.grant_role(SYSTEM, officer.id, role, over.id)
        city.officers[name] = officer
    await open_case(city)
    return city


async def open_case(city: City) -> None:
    """One case at the station with a party on either side, and one elsewhere; everybody has joined."""
    steward = await acting(city.officers["steward"])
    registered = await intake.register_case(
        steward,
        intake.CaseDraft(
            unit_id=city.station.id,
            steward_id=city.officers["steward"].id,
            kind=CaseKind.PUBLIC_ORDER,
            sensitivity_known=True,
        ),
        [
            intake.PartyDraft("张三", frozenset({PartyRole.VICTIM}), phone="13800000001", side=Side.A),
            intake.PartyDraft("李四", frozenset({PartyRole.SUSPECT}), phone="13800000002", side=Side.B),
        ],
    )
    elsewhere = await intake.register_case(
        await acting(city.officers["stranger_steward"]),
        intake.CaseDraft(
            unit_id=city.other_station.id,
            steward_id=city.officers["stranger_steward"].id,
            kind=CaseKind.DISPUTE,
            sensitivity_known=True,
        ),
        [intake.PartyDraft("赵六", frozenset({PartyRole.DISPUTANT}), phone="13800000003", side=Side.A)],
    )
    city.case, city.other_case = registered.case, elsewhere.case
    names = ("victim", "opponent", "stranger")
    phones = ("13800000001", "13800000002", "13800000003")
    for name, phone, issued in zip(names, phones, (*registered.issued, *elsewhere.issued), strict=True):
        identity = await new_identity()
        city.citizens[name] = identity.id
        proof = await groups.prove_phone(
            Actor(ActorKind.CITIZEN, identity_id=identity.id),
            issued.invitation.id,
            identity.id,
            phone,
            verified_by_platform=True,
        )
        city.members[name] = proof.member
    city.citizens["unbound"] = (await new_identity()).id


async def new_identity() -> WechatIdentity:
    """Somebody opens the mini-program for the first time."""
    return await people.identity_of(Platform.MINI_PROGRAM, "wxdemo000000000mp1", f"o-{new_id().hex}")


async def citizen_token(city: City, name: str) -> str:
    """A mini-program session."""
    return await sessions.open_session(SessionKind.CITIZEN, identity_id=city.citizens[name])


async def officer_token(city: City, name: str) -> str:
    """An officer's session, used as a bearer token."""
    return await sessions.open_session(SessionKind.OFFICER, officer_id=city.officers[name].id)
