"""The desk's day: registering, posting, answering."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from kit import clock, database
from stewardship.casework.cases.models import Case
from stewardship.foundation.audit.models import Event
from stewardship.foundation.people.models import Person
from tests.api.city import City, citizen_token, officer_token

VICTIM = {"name": "周一", "roles": ["victim"], "phone": "13800000011", "side": "a"}
OPPONENT = {"name": "周二", "roles": ["suspect"], "phone": "13800000012", "side": "b"}


async def bearer(city: City, name: str) -> dict[str, str]:
    make = citizen_token if name in city.citizens else officer_token
    return {"Authorization": f"Bearer {await make(city, name)}"}


def new_case(city: City, *parties: dict[str, Any]) -> dict[str, Any]:
    return {
        "unit_id": str(city.station.id),
        "steward_id": str(city.officers["steward"].id),
        "kind": "public_order",
        "sensitivity_known": True,
        "parties": list(parties),
    }


async def test_a_case_is_registered_with_its_parties_in_one_step(client: httpx.AsyncClient, city: City) -> None:
    steward = await bearer(city, "steward")
    answer = await client.post("/cases", json=new_case(city, VICTIM, OPPONENT), headers=steward)
    assert answer.status_code == 201
    registered = answer.json()
    assert registered["case"]["relation"] == "steward"
    assert len(registered["receipts"]) == 2
    parties = await client.get(f"/cases/{registered['case']['id']}/parties", headers=steward)
    shown = {(p["name"], p["contacts"][0]["phone"]) for p in parties.json()["items"]}
    assert shown == {("周*", "138****0011"), ("周*", "138****0012")}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"phone": "10000000000"}, "phone_number"), ({"roles": []}, "malformed"), ({"name": " "}, "malformed")],
)
async def test_where_one_party_is_wrong_nothing_is_registered(
    client: httpx.AsyncClient, city: City, wrong: dict[str, Any], code: str
) -> None:
    cases, persons = await Case.all().count(), await Person.all().count()
    body = new_case(city, VICTIM, OPPONENT | wrong)
    answer = await client.post("/cases", json=body, headers=await bearer(city, "steward"))
    assert answer.json()["code"] == code
    assert (await Case.all().count(), await Person.all().count()) == (cases, persons)


async def test_what_is_masked_is_shown_for_a_reason_and_the_inspector_sees_it(
    client: httpx.AsyncClient, city: City
) -> None:
    steward, path = await bearer(city, "steward"), f"/cases/{city.case.id}/reveal"
    wanted = {"person_id": str(city.members["victim"].person_id), "field": "phone"}
    short = await client.post(path, json=wanted | {"reason": "看"}, headers=steward)
    assert (short.status_code, short.json()["code"]) == (400, "reveal_reason")
    shown = await client.post(path, json=wanted | {"reason": "电话回访"}, headers=steward)
    assert shown.json() == {"value": "13800000001"}
    inspector = await bearer(city, "inspector")
    looks = (await client.get(f"/inspection/cases/{city.case.id}/reads", headers=inspector)).json()["items"]
    [reveal] = [look for look in looks if look["kind"] == "person.revealed"]
    assert reveal["officer_id"] == str(city.officers["steward"].id)
    assert any(look["kind"] == "case.read" and look["relation"] == "steward" for look in looks)


async def test_a_person_of_another_case_is_not_revealed(client: httpx.AsyncClient, city: City) -> None:
    wanted = {"person_id": str(city.members["stranger"].person_id), "field": "phone", "reason": "电话回访"}
    answer = await client.post(f"/cases/{city.case.id}/reveal", json=wanted, headers=await bearer(city, "steward"))
    assert answer.status_code == 404


async def test_an_update_to_one_side_is_previewed_posted_and_read_by_that_side_alone(
    client: httpx.AsyncClient, city: City
) -> None:
    steward, audience = await bearer(city, "steward"), {"kind": "sides", "sides": ["a"]}
    base = f"/cases/{city.case.id}/updates"
    preview = (await client.post(f"{base}/preview", json=audience, headers=steward)).json()
    assert [each["member_id"] for each in preview["sees"]] == [str(city.members["victim"].id)]
    assert [each["member_id"] for each in preview["does_not_see"]] == [str(city.members["opponent"].id)]
    body = {
        "text": "已调取现场监控。",
        "awaited": "等待核对",
        "next_contact_on": clock.today().isoformat(),
        "audience": audience,
    }
    posted = await client.post(base, json=body, headers=steward)
    assert posted.json()["member_ids"] == [str(city.members["victim"].id)]
    path = f"/my/cases/{city.case.id}/updates"
    read = (await client.get(path, headers=await bearer(city, "victim"))).json()["items"]
    assert [update["text"] for update in read] == ["已调取现场监控。"]
    assert (await client.get(path, headers=await bearer(city, "opponent"))).json()["items"] == []


async def test_a_day_off_that_an_administrator_enters_moves_what_is_promised(
    client: httpx.AsyncClient, city: City
) -> None:
    victim, administrator = await bearer(city, "victim"), await bearer(city, "system_administrator")
    asked, day = f"/my/cases/{city.case.id}/inquiries", f"/holidays/{clock.today().isoformat()}"
    before = await client.post(asked, json={"text": "什么时候鉴定？", "client_key": "tap-00000001"}, headers=victim)
    free = {"workday": False, "reason": "全市停电"}
    assert (await client.put(day, json=free, headers=administrator)).status_code == 200
    other = await bearer(city, "opponent")
    after = await client.post(asked, json={"text": "什么时候鉴定？", "client_key": "tap-00000002"}, headers=other)
    due = [clock.local(datetime.fromisoformat(each.json()["due_at"])).date() for each in (before, after)]
    assert due == [clock.today(), clock.today() + timedelta(days=1)]
    assert await Event.filter(kind="calendar.changed").exists(), "the event by which open clocks follow"
    assert (await client.delete(day, headers=administrator)).status_code == 200


async def test_several_messages_are_one_inquiry_and_one_answer_settles_it(
    client: httpx.AsyncClient, city: City
) -> None:
    victim, steward = await bearer(city, "victim"), await bearer(city, "steward")
    path = f"/my/cases/{city.case.id}/inquiries"
    taken = [
        (await client.post(path, json={"text": text, "client_key": f"tap-{i:08}"}, headers=victim)).json()
        for i, text in enumerate(["在吗", "几天了", "到底管不管", "回话！"])
    ]
    assert len({each["inquiry_id"] for each in taken}) == 1
    assert [each["is_new"] for each in taken] == [True, False, False, False]
    assert taken[0]["due_at"] is not None
    repeated = await client.post(path, json={"text": "在吗", "client_key": "tap-00000000"}, headers=victim)
    assert repeated.json()["inquiry_id"] == taken[0]["inquiry_id"]
    [waiting] = (await client.get("/queue", headers=steward)).json()["items"]
    assert waiting["messages"] == 4
    inquiry = f"/inquiries/{waiting['id']}"
    shown = (await client.get(inquiry, headers=steward)).json()
    assert len(shown["lines"]) == 4
    stale = {"text": "周五前答复。", "expected_version": shown["version"] - 1}
    assert (await client.post(f"{inquiry}/answer", json=stale, headers=steward)).json()["code"] == "inquiry_changed"
    fresh = stale | {"expected_version": shown["version"]}
    assert (await client.post(f"{inquiry}/answer", json=fresh, headers=steward)).status_code == 200
    [mine] = (await client.get(path, headers=victim)).json()["items"]
    assert mine["state"] == "answered"
    assert mine["lines"][-1]["text"] == "周五前答复。"
    assert (await client.get("/queue", headers=steward)).json()["items"] == []


async def test_every_line_of_a_list_is_a_recorded_read(client: httpx.AsyncClient, city: City) -> None:
    await client.get("/cases", headers=await bearer(city, "instructor"))
    reads = await database.fetchval(
        "select count(*) from event where case_id = $1 and kind = 'case.listed.read' and relation = 'instructor'",
        city.case.id,
    )
    assert reads == 1


async def test_a_closed_case_takes_no_update(client: httpx.AsyncClient, city: City) -> None:
    steward = await bearer(city, "steward")
    assert (await client.post(f"/cases/{city.case.id}/close", headers=steward)).json()["closed_at"] is not None
    body = {
        "text": "补充",
        "awaited": "无",
        "next_contact_on": (clock.today() + timedelta(days=1)).isoformat(),
        "audience": {"kind": "everyone"},
    }
    answer = await client.post(f"/cases/{city.case.id}/updates", json=body, headers=steward)
    assert (answer.status_code, answer.json()["code"]) == (409, "case_closed")


async def test_nobody_gives_themselves_a_role(client: httpx.AsyncClient, city: City) -> None:
    security = await bearer(city, "security_administrator")
    own = city.officers["security_administrator"].id
    body = {"role": "instructor", "unit_id": str(city.station.id)}
    answer = await client.post(f"/officers/{own}/roles", json=body, headers=security)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_oneself")


async def test_no_one_is_two_administrators(client: httpx.AsyncClient, city: City) -> None:
    security = await bearer(city, "security_administrator")
    body = {"role": "audit_administrator", "unit_id": str(city.bureau.id)}
    officer = city.officers["system_administrator"].id
    answer = await client.post(f"/officers/{officer}/roles", json=body, headers=security)
    assert (answer.status_code, answer.json()["code"]) == (409, "administrators_apart")


async def test_thanks_wait_for_nobody_and_an_emergency_is_sent_to_110(client: httpx.AsyncClient, city: City) -> None:
    victim, path = await bearer(city, "victim"), f"/my/cases/{city.case.id}/inquiries"
    thanks = await client.post(path, json={"text": "谢谢！", "client_key": "tap-thanks"}, headers=victim)
    assert thanks.json()["inquiry_id"] is None
    danger = await client.post(path, json={"text": "他正在砍我家的门", "client_key": "tap-danger"}, headers=victim)
    assert danger.json()["emergency"] is True
    assert danger.json()["inquiry_id"] is not None
