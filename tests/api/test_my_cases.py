"""What a party sees of their case, and what they never see."""

from __future__ import annotations

import httpx

from tests.api.city import City, citizen_token


async def my(client: httpx.AsyncClient, city: City, name: str, path: str) -> httpx.Response:
    return await client.get(f"/my{path}", headers={"Authorization": f"Bearer {await citizen_token(city, name)}"})


async def test_a_victim_reads_where_the_case_stands_and_who_is_responsible(
    client: httpx.AsyncClient, city: City
) -> None:
    answer = await my(client, city, "victim", "/cases")
    assert answer.status_code == 200
    [case] = answer.json()["items"]
    assert case["reference"] == city.case.reference
    assert case["now"] == "您反映的情况已经登记，民警正在审查。"
    assert case["handler"] == {"title": "王警官", "unit_name": "莲花派出所", "desk_phone": "0551-60000000"}


async def test_a_suspect_is_not_told_the_stage(client: httpx.AsyncClient, city: City) -> None:
    [case] = (await my(client, city, "opponent", "/cases")).json()["items"]
    assert case["now"] is None
    assert case["closed"] is None
    assert case["handler"] is not None


async def test_another_case_looks_like_one_that_does_not_exist(client: httpx.AsyncClient, city: City) -> None:
    theirs = await my(client, city, "stranger", f"/cases/{city.case.id}")
    missing = await my(client, city, "stranger", f"/cases/{city.station.id}")
    assert theirs.status_code == missing.status_code == 404
    assert theirs.json() == missing.json()


async def test_who_has_not_joined_sees_nothing(client: httpx.AsyncClient, city: City) -> None:
    assert (await my(client, city, "unbound", "/cases")).json() == {"items": []}
    assert (await my(client, city, "unbound", f"/cases/{city.case.id}")).status_code == 404
