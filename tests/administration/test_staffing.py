"""Units that end, officers who move, tables of officers, and the first login with a code."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
import time_machine

from kit import clock
from kit.tables import BadTable, write_table
from stewardship.casework.cases.models import Case
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.errors import Conflict, Invalid, NotAllowed, NotFound
from stewardship.foundation.org import administration
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Role, RoleGrant, Unit
from stewardship.foundation.org.officer_import import import_officers
from stewardship.foundation.people import officer_enrolment, officer_login, sessions
from stewardship.foundation.people.models import SessionKind
from stewardship.reorganisation import close_unit, deactivate_officer, move_officer, open_cases_of
from tests.administration.conftest import Pair, officer_as
from tests.support.world import World, acting, case_with

VICTIM = (PartyRole.VICTIM, Side.A)
PASSWORD = "Initial-Word-7"
TITLES = (("number", "警号"), ("name", "姓名"), ("unit", "单位代码"), ("mobile", "手机"))


async def test_a_closed_units_open_cases_go_to_the_successors_instructor(world: World, system: Pair) -> None:
    joined = await case_with(world, VICTIM)
    await org.end_role(system.one, await grant_of(world.other_steward))
    with pytest.raises(Conflict, match="successor_empty"):
        await close_unit(system.one, world.station.id, world.other_station.id, "机构调整")
    leader = await officer_as(Role.INSTRUCTOR, world.other_station, "何立")
    unit, moved = await close_unit(system.one, world.station.id, world.other_station.id, "机构调整")
    case = await Case.get(id=joined.case.id)
    assert (moved, case.unit_id, case.steward_id) == (1, world.other_station.id, leader.id)
    assert (unit.valid_to, unit.successor_id) == (clock.today(), world.other_station.id)
    with pytest.raises(Invalid, match="unit_successor"):
        await close_unit(system.one, world.station.id, world.other_station.id, "再来一次")


async def grant_of(officer: Officer) -> UUID:
    return UUID(str((await RoleGrant.get(officer_id=officer.id, valid_to=None)).id))


async def test_a_unit_with_units_below_is_not_closed(world: World, system: Pair) -> None:
    with pytest.raises(Conflict, match="unit_has_units"):
        await close_unit(system.one, world.sub_bureau.id, world.bureau.id, "机构调整")


async def test_who_moves_leaves_no_case_behind(world: World, system: Pair) -> None:
    joined = await case_with(world, VICTIM)
    with pytest.raises(Conflict) as refused:
        await move_officer(system.one, world.steward.id, world.other_station.id, hand_over_to=None, reason="调动")
    assert joined.case.reference in refused.value.detail
    assert [case.id for case in await open_cases_of(world.steward.id)] == [joined.case.id]
    with pytest.raises(Invalid, match="steward_unit"):
        await move_officer(
            system.one, world.steward.id, world.other_station.id, hand_over_to=world.other_steward.id, reason="调动"
        )
    officer, moved = await move_officer(
        system.one, world.steward.id, world.other_station.id, hand_over_to=world.colleague.id, reason="调动"
    )
    assert (officer.unit_id, moved) == (world.other_station.id, 1)
    assert (await Case.get(id=joined.case.id)).steward_id == world.colleague.id


async def test_who_leaves_the_force_leaves_no_case_behind(world: World, system: Pair) -> None:
    joined = await case_with(world, VICTIM)
    await Case.filter(id=joined.case.id).update(deputy_id=world.colleague.id)
    with pytest.raises(Conflict, match="officer_has_cases") as refused:
        await deactivate_officer(system.one, world.steward.id)
    assert refused.value.title == "还有 1 件在办案件"
    assert joined.case.reference in refused.value.detail
    assert (await Officer.get(id=world.steward.id)).active
    for nobody in (world.steward, world.other_steward):
        with pytest.raises(Invalid):
            await deactivate_officer(system.one, world.steward.id, hand_over_to=nobody.id)
    assert (await Officer.get(id=world.steward.id)).active
    await deactivate_officer(system.one, world.steward.id, hand_over_to=world.instructor.id)
    case = await Case.get(id=joined.case.id)
    assert (case.steward_id, case.deputy_id) == (world.instructor.id, None)
    assert not (await Officer.get(id=world.steward.id)).active


async def test_who_leaves_the_force_is_nobodys_deputy(world: World, system: Pair) -> None:
    joined = await case_with(world, VICTIM)
    await Case.filter(id=joined.case.id).update(deputy_id=world.colleague.id)
    await deactivate_officer(system.one, world.colleague.id)
    case = await Case.get(id=joined.case.id)
    assert (case.steward_id, case.deputy_id) == (world.steward.id, None)


async def test_a_unit_and_an_officer_are_edited_within_ones_units(world: World, system: Pair) -> None:
    unit = await administration.edit_unit(
        system.one,
        world.station.id,
        name="柳堤派出所（新）",
        duty_phone="0551-1",
        address="柳堤路 1 号",
        calendar_code="round_the_clock",
    )
    assert (await Unit.get(id=unit.id)).calendar_code == "round_the_clock"
    await administration.edit_officer(system.one, world.steward.id, name="王卿", mobile="19900000123")
    assert await org.mobile_of(await Officer.get(id=world.steward.id)) == "19900000123"
    await administration.edit_officer(system.one, world.steward.id, name="王卿", mobile=None)
    assert await org.mobile_of(await Officer.get(id=world.steward.id)) == "19900000123"
    with pytest.raises(NotFound):
        await administration.edit_officer(await acting(world.instructor), world.steward.id, name="某", mobile=None)


def table(*rows: tuple[str, str, str, str]) -> bytes:
    keys = [key for key, _ in TITLES]
    return write_table("民警", TITLES, [dict(zip(keys, row, strict=True)) for row in rows])


async def test_a_table_of_officers_is_taken_whole_or_not_at_all(world: World, system: Pair) -> None:
    code = world.station.code
    wrong = table(
        ("770001", "赵一", code, "19900001111"),
        ("770001", "钱二", code, ""),
        (world.steward.number, "孙三", code, ""),
        ("770004", "李四", "NOWHERE", ""),
        ("770005", "周五", code, "123"),
        ("7", "吴六", code, ""),
    )
    report = await import_officers(system.one, wrong, "a.xlsx", dry_run=False)
    assert [row.problem for row in report.rows] == [
        "",
        "警号在表中重复",
        "警号已存在",
        "单位代码不存在，或不在您的管理范围内",
        "手机号码应为 11 位",
        "警号应为 3 至 16 位字母或数字",
    ]
    assert (report.created, report.wrong) == (0, 5)
    right = table(("770001", "赵一", code, "19900001111"), ("770002", "钱二", code, ""))
    assert (await import_officers(system.one, right, "a.xlsx", dry_run=True)).created == 0
    assert not await Officer.exists(number="770001")
    assert (await import_officers(system.one, right, "a.xlsx", dry_run=False)).created == 2
    assert await Officer.exists(number="770001", unit_id=world.station.id, password_hash=None)
    with pytest.raises(BadTable, match="table_type"):
        await import_officers(system.one, b"%PDF-1.7 renamed", "a.xlsx", dry_run=False)


async def test_the_first_login_takes_a_code_that_holds_once(world: World, security: Pair) -> None:
    officer = await org.create_officer(security.one, number="880001", name="赵一", unit_id=world.station.id)
    assert officer.id in {row.officer.id for row in await officer_enrolment.without_second_factor(security.one)}
    issued = await officer_enrolment.issue(security.one, officer.id)
    with pytest.raises(Invalid, match="password_weak"):
        await officer_enrolment.redeem("880001", issued.code, "short", device="", address="")
    found = await officer_enrolment.redeem("880001", issued.code.lower(), PASSWORD, device="", address="")
    assert found == officer.id
    login = await officer_login.log_in("880001", PASSWORD, None, device="", address="")
    assert login.step is officer_login.Step.ENROL
    with pytest.raises(officer_login.LoginFailed):
        await officer_enrolment.redeem("880001", issued.code, PASSWORD, device="", address="")


async def test_a_code_wears_out_by_tries_by_time_and_by_a_newer_one(world: World, security: Pair) -> None:
    officer = await org.create_officer(security.one, number="880002", name="赵一", unit_id=world.station.id)

    async def refused(code: str) -> None:
        with pytest.raises(officer_login.LoginFailed):
            await officer_enrolment.redeem("880002", code, PASSWORD, device="", address="")

    first = await officer_enrolment.issue(security.one, officer.id)
    second = await officer_enrolment.issue(security.one, officer.id)
    await refused(first.code)
    for _ in range(officer_enrolment.TRIES):
        await refused("2222222222")
    await refused(second.code)
    third = await officer_enrolment.issue(security.one, officer.id)
    with time_machine.travel(clock.real_now() + timedelta(hours=25), tick=False):
        await refused(third.code)
    await Officer.filter(id=officer.id).update(totp_confirmed=True)
    await refused(third.code)
    with pytest.raises(Conflict, match="totp_confirmed"):
        await officer_enrolment.issue(security.one, officer.id)
    assert security.one.id is not None
    with pytest.raises(NotAllowed, match="not_oneself"):
        await officer_enrolment.issue(security.one, security.one.id)


async def test_an_officers_logins_are_seen_and_ended_by_their_security_administrator(
    world: World, security: Pair
) -> None:
    await sessions.open_session(SessionKind.OFFICER, officer_id=world.steward.id, device="终端")
    [session] = await officer_enrolment.sessions_of(security.one, world.steward.id)
    assert session.device == "终端"
    below = await acting(await officer_as(Role.SECURITY_ADMINISTRATOR, world.other_station))
    with pytest.raises(NotFound):
        await officer_enrolment.sessions_of(below, world.steward.id)
