"""Where and when the past took place: its stations with their people and hours, and what each is good at."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

from demo import names
from demo.city import City, CityUnit, Post
from kit import clock
from stewardship.dialogue.inquiries.service import SUBJECT
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.clocks import policies
from stewardship.foundation.clocks.rules import Policy
from stewardship.foundation.duty_time import DutyCalendar
from stewardship.foundation.org.models import Officer, Unit, UnitKind

SUB_BUREAUS = 4
STATIONS = 3
"""Of each of these sub-bureaus so many stations had a past."""
CASES_A_DAY = (0.35, 0.7)
BUSIEST = 3.0
"""Cases a day of the first station, which the first story plays at: enough for a line from day to day."""
MONTHS = 3
"""Whole months before the present one; the first days of the next freeze them."""
HOURS = (*(1, 0, 0, 0, 0, 0, 1, 2), *(6, 9, 9, 7, 4, 5, 7, 8), *(7, 6, 5, 6, 6, 5, 3, 2))
"""How many of a day's questions come in each hour."""


@dataclass(frozen=True, slots=True)
class Station:
    """A station, its officers, the promise it gives, and what it makes of it."""

    unit_id: UUID
    stewards: tuple[Actor, ...]
    visitors: tuple[UUID, ...]
    policy_id: UUID
    calendar_id: UUID
    policy: Policy
    calendar: DutyCalendar
    reply_minutes: float
    """Duty minutes until the first reply, on average."""
    late_share: float
    discontent: float
    """Shares of full answers that come late, and of ratings that are 'dissatisfied'."""
    cases_a_day: float


@dataclass(slots=True)
class Scene:
    """`until`: the beginning of today, before which everything was over."""

    draw: random.Random
    stations: list[Station]
    first: date
    until: datetime
    person_names: Iterator[str] = field(init=False)
    persons: int = 0

    def __post_init__(self) -> None:
        self.person_names = names.persons(random.Random(self.draw.random()))  # noqa: S311 — invented, on purpose.

    @property
    def days(self) -> int:
        return (clock.local(self.until).date() - self.first).days

    def moment(self, day: date, hours: tuple[int, ...] = HOURS) -> datetime:
        """Some instant of a day, in the hours in which people come."""
        (hour,) = self.draw.choices(range(len(hours)), hours)
        return midnight(day) + timedelta(hours=hour, seconds=self.draw.randrange(3600))

    def over(self, at: datetime) -> float:
        """How much of the past was over then, from 0 to 1: people learn."""
        return (clock.local(at).date() - self.first).days / max(self.days, 1)

    def number(self) -> str:
        """A telephone number that nobody has."""
        self.persons += 1
        return f"1990002{self.persons:04d}"


def midnight(day: date) -> datetime:
    """When a legal day begins."""
    return datetime.combine(day, time(), clock.LOCAL)


async def set_scene(city: City, seed: int) -> Scene:
    """The past as seen from today."""
    draw = random.Random(seed)  # noqa: S311 — the same past in every demonstration.
    today = clock.today()
    first = today.replace(day=1)
    for _ in range(MONTHS):
        first = (first - timedelta(days=1)).replace(day=1)
    stations = [await _station(draw, city, unit) for unit in _chosen(city)]
    return Scene(draw, [replace(stations[0], cases_a_day=BUSIEST), *stations[1:]], first, midnight(today))


def _chosen(city: City) -> list[CityUnit]:
    found: list[CityUnit] = []
    for number in range(1, SUB_BUREAUS + 1):
        below = [u for u in city.units if u.parent_code == f"{number:02d}" and u.kind is UnitKind.POLICE_STATION]
        # The last is manned day and night, the others keep office hours.
        found += [*below[: STATIONS - 1], below[-1]]
    return found


async def _station(draw: random.Random, city: City, place: CityUnit) -> Station:
    unit = await Unit.get(code=place.code)
    officers = [*city.of(place.code, Post.STEWARD), *city.of(place.code, Post.DEPUTY)]
    policy, calendar = await policies.policy_for(SUBJECT, unit.id, None), await policies.calendar_for(unit.id)
    return Station(
        unit_id=unit.id,
        stewards=tuple(Actor(ActorKind.OFFICER, id_) for id_ in await _ids([o.number for o in officers])),
        visitors=await _ids([o.number for o in city.of(place.parent_code or "", Post.CENTRE_OFFICER)]),
        policy_id=policy,
        calendar_id=calendar,
        policy=await policies.policy_version(policy),
        calendar=await policies.calendar_version(calendar),
        reply_minutes=draw.uniform(5, 20),
        late_share=draw.choice((0.01, 0.02, 0.04, 0.08, 0.16)),
        discontent=draw.uniform(0.02, 0.14),
        cases_a_day=draw.uniform(*CASES_A_DAY),
    )


async def _ids(numbers: list[str]) -> tuple[UUID, ...]:
    found = {officer.number: officer.id for officer in await Officer.filter(number__in=numbers)}
    return tuple(found[number] for number in numbers)
