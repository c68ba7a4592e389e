"""Where the story plays: the city's officers at their desks, the citizens' telephones, the counter, and the clock."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from demo.checks import check, there
from demo.city import City, CityOfficer, CityUnit, Post
from demo.desk import Desk
from demo.phones import CONTROL, Phone
from demo.web import Web
from kit import clock, clock_offset, database
from scheduler.process import Parts
from stewardship.foundation.clocks import policies
from stewardship.foundation.clocks.policies import OFFICE
from stewardship.foundation.org.models import Officer, Unit, UnitKind
from wechat.official_account import OfficialAccount

MORNING = time(9)
FOLLOWED_WITHIN = 1.6 * clock_offset.POLL_SECONDS
"""Every process looks at the shared offset this often; after that it has moved with us."""
JOIN_PAGE = "pages/join/index"


class StoryClock:
    """The one way in which time passes: the shared offset, and the local platform's clock with it. Never backward."""

    def __init__(self, platform: Web, unit_id: UUID) -> None:
        self._platform, self._unit_id = platform, unit_id

    async def advance(self, by: timedelta) -> None:
        """Let so much time pass for everybody."""
        offset = await clock_offset.move(by)
        await self._platform.call("PUT", f"{CONTROL}/clock", {"offset_seconds": offset.total_seconds()})
        await asyncio.sleep(FOLLOWED_WITHIN)

    async def to_working_morning(self, *, not_before: timedelta = timedelta(0)) -> datetime:
        """On to 9:00 of the next working day of the unit, at least `not_before` from now; answers it."""
        calendar = await policies.calendar_version(await policies.calendar_for(self._unit_id))
        day = clock.local(clock.now() + not_before).date()
        while (morning := _morning(day)) <= clock.now() + not_before or not calendar.is_workday(day):
            day += timedelta(days=1)
        await self.advance(morning - clock.now())
        return morning

    async def to(self, instant: datetime, *, and_a: timedelta = timedelta(seconds=5)) -> None:
        """On to an instant that lies ahead, and a little further."""
        check(instant + and_a > clock.now(), f"{instant} 已经过去，时钟不能往回拨")
        await self.advance(instant + and_a - clock.now())


def _morning(day: Any) -> datetime:
    return datetime.combine(day, MORNING, clock.LOCAL).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a party was handed at the counter."""

    member_id: UUID
    party_id: UUID
    token: str = field(repr=False)
    check_word: str


@dataclass(slots=True)
class Matter:
    """A case as the story knows it, with the receipts by whom they were handed to."""

    case_id: UUID
    reference: str
    receipts: dict[str, Receipt]


class Stage:
    """Everything that steps share. A run's people and telephone numbers are its own, so that a home can be reused."""

    def __init__(self, parts: Parts, platform: Web, product: Web, city: City) -> None:
        self.parts, self.platform, self.product, self.city = parts, platform, product, city
        self.run = f"{10_000 + secrets.randbelow(90_000)}"
        self.desks: dict[Post, Desk] = {}
        self.phones: dict[str, Phone] = {}
        self.matters: dict[str, Matter] = {}
        self.notes: dict[str, Any] = {}
        """What a step leaves for a later one."""

    @property
    def account(self) -> OfficialAccount:
        """The official account, as the product's own client."""
        return there(self.parts.clients.official_account, "没有配置公众号")

    async def set_up(self) -> None:
        """Who plays: a police station with office hours, and those above it.

        Of several the one with the fewest open cases, so that a home can be reused for many runs.
        """
        self.station = station = await _quietest(self.city)
        self.unit = await Unit.get(code=station.code)
        self.clock = StoryClock(self.platform, self.unit.id)
        above, bureau = station.parent_code or "", self.city.units[0].code
        for code, posts in (
            (station.code, (Post.STEWARD, Post.DEPUTY, Post.DUTY_OFFICER, Post.INSTRUCTOR)),
            (above, (Post.CENTRE_OFFICER,)),
            (bureau, (Post.INSPECTOR, Post.AUDIT_ADMINISTRATOR)),
        ):
            for post in posts:
                self.desks[post] = await self._desk(self.city.of(code, post)[0])
        elsewhere = next(u for u in self.city.units if u.kind is UnitKind.POLICE_STATION and u.parent_code != above)
        self.outsider = await self._desk(self.city.of(elsewhere.code, Post.STEWARD)[0])

    async def _desk(self, officer: CityOfficer) -> Desk:
        row = await Officer.get(number=officer.number)
        return Desk(self.product, officer, row.id)

    async def sit_down(self, post: Post, officer_id: UUID) -> Desk:
        """This very officer, chosen by the product, plays the post from now on: logs in, unless they do already."""
        if self.desks[post].id != officer_id:
            number = (await Officer.get(id=officer_id)).number
            officer = next(each for each in self.city.officers if each.number == number)
            check(officer.post is post, f"{officer.name} 不是{post.value}")
            self.desks[post] = Desk(self.product, officer, officer_id)
            await self.desks[post].log_in()
        return self.desks[post]

    @property
    def steward(self) -> Desk:
        return self.desks[Post.STEWARD]

    @property
    def instructor(self) -> Desk:
        return self.desks[Post.INSTRUCTOR]

    async def phone(self, key: str, name: str, note: str, *, number: str | None = None) -> Phone:
        """A telephone on the table, new for this run unless a number is given."""
        own = number or f"1990{self.run}{len(self.phones):02d}"
        phone_id = f"officer-{own}" if number else f"{key}-{self.run}"
        phone = Phone(self.platform, self.product, phone_id, name, own)
        await phone.switch_on(note)
        self.phones[key] = phone
        return phone

    async def register(self, key: str, case: dict[str, Any], parties: dict[str, dict[str, Any]]) -> Matter:
        """The steward registers a case with its parties; the receipts are kept by the parties' keys."""
        body = {
            "unit_id": str(self.unit.id),
            "steward_id": str(self.steward.id),
            **case,
            "parties": [*parties.values()],
        }
        body["deputy_id"] = str(self.desks[Post.DEPUTY].id)
        made = await self.steward.post("/cases", body)
        receipts = {
            party: Receipt(UUID(r["member_id"]), UUID(r["party_id"]), r["token"], r["check_word"])
            for party, r in zip(parties, made["receipts"], strict=True)
        }
        self.matters[key] = Matter(UUID(made["case"]["id"]), made["case"]["reference"], receipts)
        return self.matters[key]

    async def party(self, key: str, roles: list[str], side: str, *, by_sms: bool, **more: Any) -> dict[str, Any]:
        """A party as the counter enters them, with their telephone's number."""
        phone = self.phones[key]
        return {"name": phone.name, "roles": roles, "side": side, "phone": phone.number, "by_sms": by_sms, **more}


async def _quietest(city: City) -> CityUnit:
    stations = [u for u in city.units if (u.kind, u.calendar_code) == (UnitKind.POLICE_STATION, OFFICE)]
    rows = await database.fetch(
        "select u.code, count(c.id) as cases from unit u"
        " left join case_file c on c.unit_id = u.id and c.closed_at is null"
        " where u.code = any($1::text[]) group by u.code",
        [station.code for station in stations],
    )
    cases = {row["code"]: row["cases"] for row in rows}
    return min(stations, key=lambda station: (cases[station.code], station.code))


def local_time(instant: datetime) -> str:
    """9:05, on a Chinese wall clock."""
    at = clock.local(instant)
    return f"{at:%H:%M}"
