"""An invented city bureau on three levels, made from a seed: units, officers, roles, hours.

Pure: the same seed makes the same city, whatever the day. Nobody and no place in it is real, and the telephone numbers
are of a range that no operator has given out (199000xxxxx, area code 0900).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from demo import names
from stewardship.foundation.clocks.policies import OFFICE, ROUND_THE_CLOCK
from stewardship.foundation.org.models import Level, Role, UnitKind

SEED = 20260701
SUB_BUREAUS = 20
STATIONS_EACH = 4
"""Police stations below each sub-bureau; a traffic and a criminal team come beside them."""
BUREAU = f"{names.CITY}市公安局"


class Post(StrEnum):
    """What an officer is in their unit."""

    STEWARD = "steward"
    DEPUTY = "deputy"
    DUTY_OFFICER = "duty_officer"
    INSTRUCTOR = "instructor"
    LEADER = "leader"
    CENTRE_OFFICER = "centre_officer"
    INSPECTOR = "inspector"
    SYSTEM_ADMINISTRATOR = "system_administrator"
    SECURITY_ADMINISTRATOR = "security_administrator"
    AUDIT_ADMINISTRATOR = "audit_administrator"


ROLES: dict[Post, Role] = {
    Post.STEWARD: Role.STEWARD,
    Post.DEPUTY: Role.STEWARD,
    Post.DUTY_OFFICER: Role.STEWARD,
    Post.INSTRUCTOR: Role.INSTRUCTOR,
    Post.LEADER: Role.INSTRUCTOR,
    Post.CENTRE_OFFICER: Role.CENTRE_OFFICER,
    Post.INSPECTOR: Role.INSPECTOR,
    Post.SYSTEM_ADMINISTRATOR: Role.SYSTEM_ADMINISTRATOR,
    Post.SECURITY_ADMINISTRATOR: Role.SECURITY_ADMINISTRATOR,
    Post.AUDIT_ADMINISTRATOR: Role.AUDIT_ADMINISTRATOR,
}
TEAM_POSTS = (Post.STEWARD, Post.STEWARD, Post.DEPUTY, Post.INSTRUCTOR, Post.DUTY_OFFICER, Post.DUTY_OFFICER)
"""The duty officers relieve each other every 24 hours; nobody else keeps a roster."""
SUB_BUREAU_POSTS = (Post.LEADER, Post.CENTRE_OFFICER, Post.CENTRE_OFFICER)
BUREAU_POSTS = (
    Post.LEADER,
    *(Post.CENTRE_OFFICER,) * 4,
    *(Post.INSPECTOR,) * 2,
    Post.SYSTEM_ADMINISTRATOR,
    Post.SECURITY_ADMINISTRATOR,
    Post.AUDIT_ADMINISTRATOR,
)


@dataclass(frozen=True, slots=True)
class CityUnit:
    """A unit; `code` tells its place: 00 the bureau, 07 a sub-bureau, 073 its third team."""

    code: str
    name: str
    level: Level
    kind: UnitKind
    parent_code: str | None
    calendar_code: str
    duty_phone: str
    address: str


@dataclass(frozen=True, slots=True)
class CityOfficer:
    """An officer of a unit. `number` is what they log in with."""

    number: str
    name: str
    unit_code: str
    post: Post
    mobile: str
    on_leave: bool = False
    """Away these days: a city in which everybody is always there would not be one."""

    @property
    def role(self) -> Role:
        """The role over their own unit and all below."""
        return ROLES[self.post]


@dataclass(frozen=True, slots=True)
class City:
    """Units, superiors first, and their officers."""

    units: Sequence[CityUnit]
    officers: Sequence[CityOfficer]

    def of(self, unit_code: str, post: Post) -> list[CityOfficer]:
        """Who holds a post in a unit, by number."""
        return [officer for officer in self.officers if (officer.unit_code, officer.post) == (unit_code, post)]


@dataclass(slots=True)
class _Draft:
    """A city in the making."""

    draw: random.Random
    units: list[CityUnit] = field(default_factory=list)
    officers: list[CityOfficer] = field(default_factory=list)
    place_names: Iterator[str] = field(init=False)
    person_names: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self.place_names = names.places(self.draw)
        self.person_names = names.persons(self.draw)

    def unit(self, code: str, name: str, level: Level, kind: UnitKind, parent: CityUnit | None, hours: str) -> CityUnit:
        number = len(self.units)
        unit = CityUnit(
            code=code,
            name=name,
            level=level,
            kind=kind,
            parent_code=parent.code if parent else None,
            calendar_code=hours,
            duty_phone=f"0900-6{number:06d}",
            address=f"{names.CITY}市{self.draw.choice('东南西北')}{self.draw.choice('一二三四五')}路 {number + 1} 号",
        )
        self.units.append(unit)
        return unit

    def staff(self, unit: CityUnit, posts: Sequence[Post]) -> None:
        for place, post in enumerate(posts, start=1):
            self.officers.append(
                CityOfficer(
                    number=f"1{unit.code:0<3}{place:02d}",
                    name=next(self.person_names),
                    unit_code=unit.code,
                    post=post,
                    mobile=f"19900{len(self.officers):06d}",
                    on_leave=post is Post.STEWARD and place == 2 and self.draw.random() < 0.1,
                )
            )


def build_city(seed: int = SEED) -> City:
    """The city of a seed: a bureau, 20 sub-bureaus, 120 stations and teams, about 790 officers."""
    draft = _Draft(random.Random(seed))  # noqa: S311 — names for a demonstration, reproducible on purpose.
    bureau = draft.unit("00", BUREAU, Level.BUREAU, UnitKind.BUREAU, None, OFFICE)
    draft.staff(bureau, BUREAU_POSTS)
    for number in range(1, SUB_BUREAUS + 1):
        _add_sub_bureau(draft, bureau, number)
    return City(tuple(draft.units), tuple(draft.officers))


def _add_sub_bureau(draft: _Draft, bureau: CityUnit, number: int) -> None:
    code, name = f"{number:02d}", f"{BUREAU}{next(draft.place_names)}分局"
    sub = draft.unit(code, name, Level.SUB_BUREAU, UnitKind.SUB_BUREAU, bureau, OFFICE)
    draft.staff(sub, SUB_BUREAU_POSTS)
    teams = [(f"{next(draft.place_names)}派出所", UnitKind.POLICE_STATION) for _ in range(STATIONS_EACH)]
    teams += [("交警大队", UnitKind.TRAFFIC), ("刑警大队", UnitKind.CRIMINAL)]
    for place, (team, kind) in enumerate(teams, start=1):
        manned = kind is not UnitKind.POLICE_STATION or place == STATIONS_EACH
        hours = ROUND_THE_CLOCK if manned else OFFICE
        draft.staff(draft.unit(f"{code}{place}", f"{name}{team}", Level.TEAM, kind, sub, hours), TEAM_POSTS)
