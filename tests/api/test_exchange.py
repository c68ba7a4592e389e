"""Another system writes by signed requests; what it keeps is read-only at the desk."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from stewardship.casework.cases.models import Case
from stewardship.exchange import clients
from stewardship.exchange.clients import Registered
from tests.api.city import City, acting, officer_token
from tests.api.machines import Signer

PATH = "/exchange/upserts"


@pytest.fixture
async def machine(city: City) -> Registered:
    administrator = await acting(city.officers["system_administrator"])
    return await clients.register(administrator, city.station.id, name="平台", source_system="case-system")


def case(city: City, **facts: Any) -> dict[str, Any]:
    steward = city.officers["steward"].number
    known = {"kind": "case", "source_id": "C1", "revision": 1, "unit": city.station.code, "steward": steward}
    return {"records": [{**known, **facts}]}


async def test_a_signed_request_is_taken_and_its_replay_changes_nothing(
    client: httpx.AsyncClient, city: City, machine: Registered
) -> None:
    for expected in ("applied", "unchanged"):
        answer = await client.post(PATH, json=case(city, number="甲1号"), auth=Signer.of(machine))
        assert answer.json()["items"][0]["result"] == expected
    assert answer.json()["counts"]["unchanged"] == 1


@pytest.mark.parametrize("late", [305, -305])
async def test_a_signature_holds_for_five_minutes(
    client: httpx.AsyncClient, city: City, machine: Registered, late: int
) -> None:
    answer = await client.post(PATH, json=case(city), auth=Signer.of(machine, late=late))
    assert (answer.status_code, answer.json()["code"]) == (401, "not_logged_in")


async def test_a_signature_fits_one_body_one_path_and_one_client(
    client: httpx.AsyncClient, city: City, machine: Registered
) -> None:
    signed = client.build_request("POST", PATH, json=case(city))
    request = next(Signer.of(machine).auth_flow(signed))
    authorization = request.headers["Authorization"]
    for path, body in ((PATH, case(city, number="乙2号")), (f"{PATH}?a=1", case(city))):
        assert (await client.post(path, headers={"Authorization": authorization}, json=body)).status_code == 401
    for broken in ("Steward-HMAC", "Steward-HMAC client=x", authorization.replace("client=", "client=0")):
        assert (await client.post(PATH, headers={"Authorization": broken}, json=case(city))).status_code == 401
    assert (await client.post(PATH, headers={"Authorization": authorization}, json=case(city))).status_code == 200


async def test_a_revoked_client_writes_no_more(client: httpx.AsyncClient, city: City, machine: Registered) -> None:
    bearer = {"Authorization": f"Bearer {await officer_token(city, 'system_administrator')}"}
    assert (await client.post(f"/exchange/clients/{machine.client.id}/revoke", headers=bearer)).status_code == 200
    assert (await client.post(PATH, json=case(city), auth=Signer.of(machine))).status_code == 401
    listed = (await client.get("/exchange/clients", headers=bearer)).json()["items"][0]
    assert listed["revoked_at"] is not None
    assert "secret" not in listed


async def test_a_machine_reads_and_answers_nothing(client: httpx.AsyncClient, city: City, machine: Registered) -> None:
    for path in ("/cases", f"/cases/{city.case.id}", "/me", "/queue", "/units", "/officers"):
        answer = await client.get(path, auth=Signer.of(machine))
        assert (answer.status_code, answer.json()["code"]) == (403, "role"), path


async def test_the_desk_shows_what_is_kept_elsewhere_and_refuses_to_change_it(
    client: httpx.AsyncClient, city: City, machine: Registered
) -> None:
    await client.post(PATH, json=case(city, number="甲1号", case_kind="criminal"), auth=Signer.of(machine))
    found = await Case.get(source_id="C1")
    stage = {"kind": "stage", "source_id": "S1", "revision": 1, "case": "C1", "stage": "filed"}
    stage["at"] = found.registered_at.isoformat()
    await client.post(PATH, json={"records": [stage]}, auth=Signer.of(machine))
    bearer = {"Authorization": f"Bearer {await officer_token(city, 'steward')}"}
    shown = (await client.get(f"/cases/{found.id}", headers=bearer)).json()
    assert (shown["owned_fields"], shown["source_system"]) == (["kind", "number", "stage"], "case-system")
    answer = await client.post(f"/cases/{found.id}/stage", json={"stage": "investigating"}, headers=bearer)
    assert (answer.status_code, answer.json()["code"]) == (409, "source_owned")
    assert answer.json()["title"] == "此项由办案系统维护"
    (line,) = [each for each in (await client.get("/queue", headers=bearer)).json()["items"] if each["kind"] == "draft"]
    release = f"/cases/{found.id}/drafts/{line['id']}/release"
    answer = await client.post(release, json={"expected_version": line["version"]}, headers=bearer)
    assert answer.status_code == 201
    assert (await client.get(f"/cases/{found.id}/drafts", headers=bearer)).json()["items"][0]["state"] == "released"
