"""Joining with an invitation and a phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import pytest

from kit import clock
from stewardship import intake
from stewardship.casework.groups.service import Issued
from stewardship.casework.parties.models import PartyRole
from tests.api.city import City, acting, citizen_token, officer_token
from tests.api.platform import Platform


@pytest.fixture
async def invited(city: City) -> Issued:
    """A witness who has been invited and has not come yet."""
    steward = await acting(city.officers["steward"])
    draft = intake.PartyDraft("王五", frozenset({PartyRole.WITNESS}), phone="13800000005")
    _, issued = await intake.enter_party(steward, city.case, draft)
    assert issued is not None
    return issued


async def newcomer(city: City) -> dict[str, str]:
    return {"Authorization": f"Bearer {await citizen_token(city, 'unbound')}"}


async def test_an_invitation_names_the_unit_and_nothing_else(
    client: httpx.AsyncClient, city: City, invited: Issued
) -> None:
    answer = await client.get(f"/invitations/{invited.token}")
    assert answer.status_code == 200
    assert answer.json().keys() == {"state", "unit_name", "desk_phone", "expires_at"}
    for secret in (city.case.reference, str(city.case.id), "王", "138"):
        assert secret not in answer.text


async def test_the_registered_phone_lets_in_and_the_token_is_used_up(
    client: httpx.AsyncClient, city: City, invited: Issued, platform: Platform
) -> None:
    headers = await newcomer(city)
    assert (await client.get("/my/cases", headers=headers)).json() == {"items": []}
    code = platform.phone_code("13800000005")
    joined = await client.post(f"/invitations/{invited.token}/join", json={"phone_code": code}, headers=headers)
    assert joined.json() == {"state": "joined"}
    assert len((await client.get("/my/cases", headers=headers)).json()["items"]) == 1
    again = await client.get(f"/invitations/{invited.token}")
    assert (again.status_code, again.json()["code"]) == (410, "invitation_used")


async def test_three_wrong_phones_void_the_invitation(
    client: httpx.AsyncClient, city: City, invited: Issued, platform: Platform
) -> None:
    headers = await newcomer(city)
    for left in (2, 1, 0):
        code = platform.phone_code("13911111111")
        answer = await client.post(f"/invitations/{invited.token}/join", json={"phone_code": code}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "wrong_phone")
        assert answer.json()["tries_left"] == left
    right = {"phone_code": platform.phone_code("13800000005")}
    over = await client.post(f"/invitations/{invited.token}/join", json=right, headers=headers)
    assert (over.status_code, over.json()["code"]) == (410, "invitation_revoked")
    assert (await client.get("/my/cases", headers=headers)).json() == {"items": []}


async def test_a_used_up_code_of_wechat_costs_no_try(
    client: httpx.AsyncClient, city: City, invited: Issued, platform: Platform
) -> None:
    headers = await newcomer(city)
    answer = await client.post(f"/invitations/{invited.token}/join", json={"phone_code": "used"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "wechat_code")
    wrong = {"phone_code": platform.phone_code("13911111111")}
    first = await client.post(f"/invitations/{invited.token}/join", json=wrong, headers=headers)
    assert first.json()["tries_left"] == 2


async def test_a_typed_phone_waits_for_the_steward(client: httpx.AsyncClient, city: City, invited: Issued) -> None:
    headers = await newcomer(city)
    answer = await client.post(f"/invitations/{invited.token}/join", json={"phone": "138 0000 0005"}, headers=headers)
    assert answer.json() == {"state": "pending_approval"}
    assert (await client.get("/my/cases", headers=headers)).json() == {"items": []}
    steward = {"Authorization": f"Bearer {await officer_token(city, 'steward')}"}
    approve = f"/cases/{city.case.id}/members/{invited.member.id}/approve"
    assert (await client.post(approve, headers=steward)).status_code == 200
    assert len((await client.get("/my/cases", headers=headers)).json()["items"]) == 1


async def test_an_invitation_runs_out(
    client: httpx.AsyncClient, city: City, invited: Issued, clock_at: Callable[[datetime], None]
) -> None:
    clock_at(clock.now() + timedelta(days=15))
    answer = await client.get(f"/invitations/{invited.token}")
    assert (answer.status_code, answer.json()["code"]) == (410, "invitation_expired")


async def test_an_unknown_token_is_not_found(client: httpx.AsyncClient, city: City) -> None:
    answer = await client.get(f"/invitations/{'x' * 32}")
    assert (answer.status_code, answer.json()["code"]) == (404, "invitation_not_found")


async def test_joining_needs_a_login_and_one_way_of_proof(
    client: httpx.AsyncClient, city: City, invited: Issued
) -> None:
    path = f"/invitations/{invited.token}/join"
    assert (await client.post(path, json={"phone_code": "abcd"})).status_code == 401
    headers = await newcomer(city)
    assert (await client.post(path, json={}, headers=headers)).status_code == 422
    both = {"phone_code": "abcd", "phone": "13800000005"}
    assert (await client.post(path, json=both, headers=headers)).status_code == 422


async def test_the_receipt_shows_the_code_and_the_check_word(
    client: httpx.AsyncClient, city: City, invited: Issued
) -> None:
    steward = {"Authorization": f"Bearer {await officer_token(city, 'steward')}"}
    answer = await client.get(f"/cases/{city.case.id}/members/{invited.member.id}/receipt", headers=steward)
    receipt = answer.json()
    assert receipt["token"] == invited.token
    assert receipt["check_word"] == invited.invitation.check_word
    assert receipt["qr_content"].endswith(invited.token)
    assert receipt["qr"].startswith("data:image/svg+xml")
    assert datetime.fromisoformat(receipt["expires_at"]) > clock.now()
