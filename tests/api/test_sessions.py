"""Logging in and out."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pyotp
import pytest
import time_machine

import api
from api.csrf import CSRF_COOKIE, CSRF_HEADER, SESSION_COOKIE
from kit import clock
from kit.ids import new_id
from kit.valkey import Redis
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Role
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Session, Trust, WechatIdentity
from tests.api.city import City, citizen_token, officer_token
from tests.api.platform import Platform

PASSWORD = "correct Horse 7"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def newcomer(city: City) -> Officer:
    """An officer with a first password and no second factor."""
    officer = await org.create_officer(
        SYSTEM, number=new_id().hex[-8:], name="陈晨", unit_id=city.station.id, password=PASSWORD
    )
    await org.grant_role(SYSTEM, officer.id, Role.STEWARD, city.station.id)
    return officer


@pytest.fixture
async def totp(newcomer: Officer) -> pyotp.TOTP:
    """The newcomer's authenticator, confirmed."""
    secret = await org.enrol_totp(newcomer.id)
    await Officer.filter(id=newcomer.id).update(totp_confirmed=True)
    return pyotp.TOTP(secret)


async def log_in(client: httpx.AsyncClient, number: str, code: str | None, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/sessions/officer", json={"number": number, "password": password, "code": code})


def code_now(totp: pyotp.TOTP, ahead: int = 0) -> str:
    return totp.at(clock.real_now() + timedelta(seconds=30 * ahead))


async def test_a_citizen_logs_in_by_wechat_and_a_code_holds_once(
    client: httpx.AsyncClient, city: City, platform: Platform
) -> None:
    identity = await WechatIdentity.get(id=city.citizens["victim"])
    code = platform.login_code(identity.openid)
    opened = await client.post("/sessions/citizen", json={"js_code": code})
    assert opened.status_code == 201
    assert opened.json()["known"] is True
    cases = await client.get("/my/cases", headers=bearer(opened.json()["token"]))
    assert len(cases.json()["items"]) == 1
    again = await client.post("/sessions/citizen", json={"js_code": code})
    assert (again.status_code, again.json()["code"]) == (400, "wechat_code")


async def test_wechat_being_away_is_said_so(client: httpx.AsyncClient, platform: Platform) -> None:
    platform.away = True
    answer = await client.post("/sessions/citizen", json={"js_code": "abcd"})
    assert (answer.status_code, answer.json()["code"]) == (503, "platform_away")


async def test_first_login_sets_up_the_second_factor(client: httpx.AsyncClient, newcomer: Officer) -> None:
    first = await log_in(client, newcomer.number, None)
    assert first.json()["state"] == "enrol"
    assert SESSION_COOKIE not in client.cookies
    ticket = first.json()["ticket"]
    enrolment = (await client.post("/totp-enrolments", json={"ticket": ticket})).json()
    assert enrolment["uri"].startswith("otpauth://totp/")
    code = pyotp.TOTP(enrolment["secret"]).now()
    opened = await client.post("/totp-enrolments/confirm", json={"ticket": ticket, "code": code})
    assert (opened.status_code, opened.json()["state"]) == (201, "open")
    assert (await client.get("/me")).json()["number"] == newcomer.number
    again = await client.post("/totp-enrolments", json={"ticket": ticket})
    assert (again.status_code, again.json()["code"]) == (409, "totp_confirmed")


async def test_a_ticket_of_somebody_else_or_of_yesterday_does_not_hold(
    client: httpx.AsyncClient, newcomer: Officer
) -> None:
    ticket = (await log_in(client, newcomer.number, None)).json()["ticket"]
    forged = ("B" if ticket[0] == "A" else "A") + ticket[1:]
    assert (await client.post("/totp-enrolments", json={"ticket": forged})).status_code == 401
    with time_machine.travel(clock.real_now() + timedelta(minutes=11)):
        assert (await client.post("/totp-enrolments", json={"ticket": ticket})).status_code == 401


async def test_every_refusal_looks_the_same(client: httpx.AsyncClient, newcomer: Officer, totp: pyotp.TOTP) -> None:
    good = code_now(totp)
    refused = [
        await log_in(client, new_id().hex[-9:], good),
        await log_in(client, newcomer.number, good, password="wrong"),
        await log_in(client, newcomer.number, "000000"),
        await log_in(client, newcomer.number, None),
    ]
    assert {answer.status_code for answer in refused} == {401}
    assert len({answer.text for answer in refused}) == 1


async def test_a_code_counts_once(client: httpx.AsyncClient, newcomer: Officer, totp: pyotp.TOTP) -> None:
    code = code_now(totp)
    assert (await log_in(client, newcomer.number, code)).status_code == 201
    assert (await log_in(client, newcomer.number, code)).status_code == 401
    assert (await log_in(client, newcomer.number, code_now(totp, -1))).status_code == 401, "an earlier step neither"
    assert (await log_in(client, newcomer.number, code_now(totp, 1))).status_code == 201


async def test_five_failures_lock_for_fifteen_minutes(
    client: httpx.AsyncClient, newcomer: Officer, totp: pyotp.TOTP
) -> None:
    for _ in range(5):
        assert (await log_in(client, newcomer.number, code_now(totp), password="wrong")).status_code == 401
    assert (await log_in(client, newcomer.number, code_now(totp))).status_code == 401
    later = clock.real_now() + timedelta(minutes=15, seconds=1)
    with time_machine.travel(later, tick=True):
        assert (await log_in(client, newcomer.number, code_now(totp))).status_code == 201


async def test_a_cookie_alone_changes_nothing(client: httpx.AsyncClient, newcomer: Officer, totp: pyotp.TOTP) -> None:
    opened = await log_in(client, newcomer.number, code_now(totp))
    cookies = opened.headers.get_list("set-cookie")
    session = next(cookie for cookie in cookies if cookie.startswith(SESSION_COOKIE))
    assert "HttpOnly" in session
    assert "SameSite=strict" in session
    refused = await client.post("/me/wechat-binding")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
    wrong = await client.post("/me/wechat-binding", headers={CSRF_HEADER: "x" * 43})
    assert wrong.status_code == 403
    token = client.cookies[CSRF_COOKIE]
    assert (await client.post("/me/wechat-binding", headers={CSRF_HEADER: token})).status_code == 201
    assert (await client.get("/sessions/current/csrf")).json()["csrf_token"] == token


async def test_logging_out_ends_it_at_once(client: httpx.AsyncClient, city: City) -> None:
    token = await citizen_token(city, "victim")
    assert (await client.get("/me", headers=bearer(token))).status_code == 200
    assert (await client.delete("/sessions/current", headers=bearer(token))).status_code == 200
    assert (await client.get("/me", headers=bearer(token))).status_code == 401


async def test_a_lost_device_is_logged_out_from_another(client: httpx.AsyncClient, city: City) -> None:
    lost, kept = await officer_token(city, "steward"), await officer_token(city, "steward")
    assert (await client.get("/me", headers=bearer(lost))).status_code == 200
    listed = (await client.get("/sessions", headers=bearer(kept))).json()["items"]
    other = next(session["id"] for session in listed if not session["current"])
    assert (await client.delete(f"/sessions/{other}", headers=bearer(kept))).status_code == 200
    assert (await client.get("/me", headers=bearer(lost))).status_code == 401
    assert (await client.get("/me", headers=bearer(kept))).status_code == 200


async def test_nobody_ends_somebody_elses_login(client: httpx.AsyncClient, city: City) -> None:
    await citizen_token(city, "victim")
    theirs = await Session.get(identity_id=city.citizens["victim"])
    mine = bearer(await citizen_token(city, "opponent"))
    assert (await client.delete(f"/sessions/{theirs.id}", headers=mine)).status_code == 404


async def test_a_stolen_phone_loses_its_session_at_once(client: httpx.AsyncClient, city: City) -> None:
    thief = bearer(await citizen_token(city, "victim"))
    assert len((await client.get("/my/cases", headers=thief)).json()["items"]) == 1
    steward = bearer(await officer_token(city, "steward"))
    parties = (await client.get(f"/cases/{city.case.id}/parties", headers=steward)).json()["items"]
    contact = next(p for p in parties if p["person_id"] == str(city.members["victim"].person_id))["contacts"][0]
    marked = await client.post(
        f"/cases/{city.case.id}/contacts/{contact['id']}/trust",
        json={"trust": "stolen", "reason": "手机被盗"},
        headers=steward,
    )
    assert marked.status_code == 200
    assert (await client.get("/my/cases", headers=thief)).status_code == 401
    back = bearer(await citizen_token(city, "victim"))
    assert (await client.get("/my/cases", headers=back)).json() == {"items": []}, "to us, a stranger"


async def test_a_role_that_ends_is_gone_at_once(client: httpx.AsyncClient, city: City) -> None:
    steward = bearer(await officer_token(city, "steward"))
    assert (await client.get("/queue", headers=steward)).status_code == 200
    security = bearer(await officer_token(city, "security_administrator"))
    officer = city.officers["steward"].id
    roles = (await client.get(f"/officers/{officer}/roles", headers=security)).json()["items"]
    assert (await client.post(f"/roles/{roles[0]['id']}/end", headers=security)).status_code == 200
    assert (await client.get("/queue", headers=steward)).status_code == 403


async def test_sessions_hold_with_valkey_away(
    client: httpx.AsyncClient, city: City, services: api.Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stewardship.foundation.people.session_cache import SessionCache

    nowhere = Redis.from_url("unix:///nonexistent/valkey.sock")
    monkeypatch.setattr(services.sessions, "_redis", nowhere)
    assert isinstance(services.sessions, SessionCache)
    token = bearer(await citizen_token(city, "victim"))
    assert (await client.get("/my/cases", headers=token)).status_code == 200
    assert (await client.delete("/sessions/current", headers=token)).status_code == 200
    assert (await client.get("/my/cases", headers=token)).status_code == 401
    await nowhere.aclose()


async def test_an_officer_binds_their_wechat_and_logs_in_with_it(
    client: httpx.AsyncClient, city: City, platform: Platform
) -> None:
    desk = bearer(await officer_token(city, "steward"))
    code = (await client.post("/me/wechat-binding", headers=desk)).json()["code"]
    phone = bearer(await citizen_token(city, "unbound"))
    assert (await client.post("/bindings/officer", json={"code": code}, headers=phone)).status_code == 200
    again = await client.post("/bindings/officer", json={"code": code}, headers=phone)
    assert (again.status_code, again.json()["code"]) == (410, "binding_code_gone")
    identity = await WechatIdentity.get(id=city.citizens["unbound"])
    opened = await client.post("/sessions/officer/wechat", json={"js_code": platform.login_code(identity.openid)})
    assert opened.status_code == 201
    me = await client.get("/me", headers=bearer(opened.json()["token"]))
    assert me.json()["number"] == city.officers["steward"].number
    await WechatIdentity.filter(id=identity.id).update(trust=Trust.STOLEN)
    stolen = await client.post("/sessions/officer/wechat", json={"js_code": platform.login_code(identity.openid)})
    assert stolen.status_code == 401


async def test_a_new_password_ends_every_session(
    client: httpx.AsyncClient, newcomer: Officer, totp: pyotp.TOTP
) -> None:
    await log_in(client, newcomer.number, code_now(totp))
    headers = {CSRF_HEADER: client.cookies[CSRF_COOKIE]}
    weak = await client.post("/me/password", json={"old": PASSWORD, "new": "short"}, headers=headers)
    assert weak.json()["code"] == "password_weak"
    wrong = await client.post("/me/password", json={"old": "x", "new": "Another horse 8"}, headers=headers)
    assert wrong.status_code == 401
    changed = await client.post("/me/password", json={"old": PASSWORD, "new": "Another horse 8"}, headers=headers)
    assert changed.status_code == 200
    assert (await client.get("/me")).status_code == 401
    assert (await log_in(client, newcomer.number, code_now(totp, 1), password="Another horse 8")).status_code == 201


async def test_a_person_known_by_phone_is_recognised(client: httpx.AsyncClient, city: City, platform: Platform) -> None:
    phone = bearer(await citizen_token(city, "unbound"))
    answer = await client.post("/me/phone", json={"phone_code": platform.phone_code("13800000001")}, headers=phone)
    assert answer.json() == {"known": True}
    assert len((await client.get("/my/cases", headers=phone)).json()["items"]) == 1


@pytest.mark.parametrize("why", ["shared", "stolen", "protected", "unknown"])
async def test_where_it_is_not_plain_whose_phone_it_is_nobody_is_recognised(
    client: httpx.AsyncClient, city: City, platform: Platform, why: str
) -> None:
    person = city.members["victim"].person_id
    if why == "shared":
        await people.add_contact(SYSTEM, city.members["opponent"].person_id, "13800000001")
    elif why == "stolen":
        contact = await people.has_phone(person, "13800000001")
        assert contact is not None
        await people.mark_contact(SYSTEM, contact.id, Trust.STOLEN, "被盗")
    elif why == "protected":
        await people.protect(SYSTEM, person, code_word="栀子花", safe_phone=None, pretext="")
    number = "13999999999" if why == "unknown" else "13800000001"
    phone = bearer(await citizen_token(city, "unbound"))
    answer = await client.post("/me/phone", json={"phone_code": platform.phone_code(number)}, headers=phone)
    assert answer.json() == {"known": False}
    assert (await client.get("/my/cases", headers=phone)).json() == {"items": []}


async def test_whoever_holds_a_protected_persons_phone_is_a_stranger_without_the_code_word(
    client: httpx.AsyncClient, city: City
) -> None:
    holder = bearer(await citizen_token(city, "victim"))
    assert len((await client.get("/my/cases", headers=holder)).json()["items"]) == 1
    steward = bearer(await officer_token(city, "steward"))
    person = city.members["victim"].person_id
    plan = {"code_word": "栀子花", "safe_phone": "13900000000"}
    protected = await client.post(f"/cases/{city.case.id}/persons/{person}/protection", json=plan, headers=steward)
    assert protected.status_code == 200
    stranger = bearer(await citizen_token(city, "unbound"))
    for path in ("/my/cases", f"/my/cases/{city.case.id}", "/my/ratings", "/me"):
        seen, unknown = await client.get(path, headers=holder), await client.get(path, headers=stranger)
        assert (seen.status_code, seen.json()) == (unknown.status_code, unknown.json())
    wrong = await client.post("/me/code-word", json={"text": "玫瑰花"}, headers=holder)
    nobody = await client.post("/me/code-word", json={"text": "栀子花"}, headers=stranger)
    assert wrong.json() == nobody.json() == {"known": False}
    right = await client.post("/me/code-word", json={"text": "栀子花"}, headers=holder)
    assert right.json() == {"known": True}
    assert len((await client.get("/my/cases", headers=holder)).json()["items"]) == 1


async def test_with_valkey_away_a_protected_person_stays_a_stranger(
    client: httpx.AsyncClient, city: City, services: api.Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people.protect(SYSTEM, city.members["victim"].person_id, code_word="栀子花", safe_phone=None, pretext="")
    nowhere = Redis.from_url("unix:///nonexistent/valkey.sock")
    monkeypatch.setattr(services.sessions, "_redis", nowhere)
    holder = bearer(await citizen_token(city, "victim"))
    assert (await client.post("/me/code-word", json={"text": "栀子花"}, headers=holder)).json() == {"known": False}
    assert (await client.get("/my/cases", headers=holder)).json() == {"items": []}
    await nowhere.aclose()
