"""The invented city: the same for a seed, complete, fictional, and put into the database once."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta

import pyotp
import pytest

from demo.city import Post, build_city
from demo.load import PASSWORD, TOTP_SECRET, NotInProduction, load_city
from kit import clock
from kit.crypto import vault
from settings import Settings
from stewardship.foundation.org import rosters
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import MOBILE, Level, Officer, Role, RoleGrant, Shift, ShiftKind, Unit, UnitKind
from stewardship.foundation.people import officer_login


def test_a_seed_makes_one_city_and_another_seed_another() -> None:
    assert build_city(7) == build_city(7)
    assert build_city(7) != build_city(8)


@pytest.mark.parametrize("seed", [1, 20260701, 987654321])
def test_every_city_has_three_levels_and_everybody_that_the_house_needs(seed: int) -> None:
    city = build_city(seed)
    levels = Counter(unit.level for unit in city.units)
    assert levels == {Level.BUREAU: 1, Level.SUB_BUREAU: 20, Level.TEAM: 120}
    teams = [unit for unit in city.units if unit.level is Level.TEAM]
    assert {unit.kind for unit in teams} == {UnitKind.POLICE_STATION, UnitKind.TRAFFIC, UnitKind.CRIMINAL}
    assert {unit.calendar_code for unit in teams} == {"office", "round_the_clock"}
    for team in teams:
        assert all(city.of(team.code, post) for post in (Post.STEWARD, Post.DEPUTY, Post.INSTRUCTOR, Post.DUTY_OFFICER))
    administrators = [o for o in city.officers if o.post.endswith("administrator")]
    assert len({o.number for o in administrators}) == len({o.post for o in administrators}) == 3


def test_names_and_numbers_are_nobodys() -> None:
    city = build_city()
    assert len({unit.name for unit in city.units}) == len(city.units)
    assert all(unit.name.startswith("云汀市公安局") and len(unit.name) <= 40 for unit in city.units)
    assert len({officer.name for officer in city.officers}) == len(city.officers)
    assert all(re.fullmatch(r"19900\d{6}", officer.mobile) for officer in city.officers)
    assert all(re.fullmatch(r"0900-6\d{6}", unit.duty_phone) for unit in city.units)


async def test_the_city_is_loaded_once_with_everybodys_login_and_a_sealed_record(db: None, settings: Settings) -> None:
    city = build_city()
    loaded = await load_city(settings, city)
    assert (loaded.units, loaded.officers) == (141, len(city.officers))
    assert await Unit.all().count() == 141
    assert await RoleGrant.all().count() == len(city.officers)
    again = await load_city(settings, city)
    assert (again.units, again.officers, again.shifts) == (0, 0, 0)
    assert await Officer.all().count() == len(city.officers)

    steward = city.of("011", Post.STEWARD)[0]
    code = pyotp.TOTP(TOTP_SECRET).now()
    login = await officer_login.log_in(steward.number, PASSWORD, code, device="test", address="127.0.0.1")
    assert login.step is officer_login.Step.OPEN
    officer = await Officer.get(number=steward.number)
    assert [grant.role for grant in await org.grants_of(officer.id)] == [Role.STEWARD]
    assert officer.mobile is not None
    assert vault().ring.open_text(officer.mobile, MOBILE) == steward.mobile


async def test_somebody_of_every_team_is_on_duty_at_any_hour_around_now(db: None, settings: Settings) -> None:
    await load_city(settings)
    team = await Unit.filter(level=Level.TEAM).order_by("code").first()
    assert team is not None
    for hours in (-24, 0, 3, 12, 100, 240):
        at = clock.now() + timedelta(hours=hours)
        on_duty = await Shift.filter(unit_id=team.id, kind=ShiftKind.DUTY, starts_at__lte=at, ends_at__gt=at)
        assert len(on_duty) == 1
        found = await rosters.receiver(team.id, None, None, at)
        assert found.candidate.id == on_duty[0].officer_id


async def test_a_city_with_published_passwords_stays_out_of_production(settings: Settings) -> None:
    with pytest.raises(NotInProduction):
        await load_city(settings.model_copy(update={"environment": "production"}))
