"""Every route × every kind of caller, as the access table says: the real answers are compared with it."""

from __future__ import annotations

from enum import StrEnum

import httpx
import pytest
from fastapi import APIRouter, FastAPI

import api
from api.access import TABLE, check_listed
from api.access_rules import NONE, Reach, Rule, role_fields
from kit.crypto import vault
from stewardship.dialogue.inquiries.models import TEXT, InquiryEntry
from stewardship.foundation.org.models import Role
from stewardship.foundation.people.models import Contact, Person
from tests.api.callers import ANONYMOUS, BEYOND, CALLERS, CITIZENS, MACHINES, OFFICERS, call, request_for, token_of
from tests.api.requests import REQUESTS, Request
from tests.api.world import World

OWN_OF_CITIZENS = {
    "case": {"victim", "opponent"},
    "victim": {"victim"},
    "appointment": {"victim"},
    "person": {"victim", "opponent", "stranger"},
}
OWN_OF_OFFICERS: dict[str, set[str]] = {
    "case": {"steward"},
    "inquiry": {"steward", "duty_officer"},
    "import": {"steward"},
    "own_inquiry": {"steward"},
    "export": {"instructor"},
    "complaint": set(),
    "appointment": {"steward"},
    "handover": {"colleague"},
    "reply": {"steward", "colleague", "duty_officer"},
    "kept reply": set(),
    "change": {"system_administrator"},
}
SEES = {
    "case": {"victim", "opponent", "steward", "instructor", "centre_officer"},
    "inquiry": {"steward", "duty_officer", "instructor"},
}


class Outcome(StrEnum):
    """What a caller meets."""

    ALLOWED = "allowed"
    LOGIN = "login"
    FORBIDDEN = "forbidden"
    HIDDEN = "hidden"


def expected(rule: Rule, caller: str, target: str | None) -> Outcome:
    """What the table says."""
    if rule.public:
        return Outcome.ALLOWED
    if caller == ANONYMOUS:
        return Outcome.LOGIN
    reach = rule.machine if caller in MACHINES else _reach_of_person(rule, caller)
    if reach is NONE:
        return Outcome.FORBIDDEN
    if target is None or reach is Reach.ALL:
        return Outcome.ALLOWED
    if reach is Reach.UNIT:
        return Outcome.HIDDEN if caller in {*BEYOND, "other_machine"} else Outcome.ALLOWED
    owners = OWN_OF_CITIZENS if caller in CITIZENS else OWN_OF_OFFICERS
    return Outcome.ALLOWED if caller in owners.get(target, set()) else Outcome.HIDDEN


def _reach_of_person(rule: Rule, caller: str) -> Reach:
    return rule.citizen if caller in CITIZENS else rule.of(OFFICERS[caller])


def met(answer: httpx.Response, request: Request) -> Outcome | str:
    """What the caller really met; a text that says what where it is none of the four."""
    if answer.is_success:
        return Outcome.ALLOWED
    code = answer.json()["code"]
    if request.code is not None and code == request.code:
        return Outcome.ALLOWED
    if answer.status_code == 401 and code == "not_logged_in":
        return Outcome.LOGIN
    if answer.status_code == 403 and code == "role":
        return Outcome.FORBIDDEN
    if answer.status_code == 404 and code.endswith("_not_found"):
        return Outcome.HIDDEN
    return f"{answer.status_code} {answer.text}"


async def words_of(world: World) -> list[str]:
    """What the victim asked and sent, and reads again."""
    entry = await InquiryEntry.filter(inquiry_id=world.inquiry_id).order_by("at").first()
    assert entry is not None
    return [str(world.inquiry_id), str(world.file.id), vault().ring.open_text(entry.text, TEXT)]


async def secrets_of(world: World, caller: str) -> dict[str, str]:
    """What no answer to this caller may hold: other people's ids, words and numbers."""
    secrets = {f"the victim's {word}": word for word in await words_of(world)}
    for name, member in world.city.members.items():
        for contact in await Contact.filter(person_id=member.person_id):
            secrets[f"{name}: number"] = contact.value
        secrets[f"{name}: name"] = (await Person.get(id=member.person_id)).name
        if name != caller:
            secrets |= {f"{name}: member": str(member.id), f"{name}: person": str(member.person_id)}
    return {} if caller == "victim" else secrets


@pytest.mark.parametrize("caller", CALLERS)
async def test_every_route_answers_this_caller_as_the_table_says(
    browser: httpx.AsyncClient, world: World, caller: str
) -> None:
    token, wrong, heard = await token_of(world, caller), [], ""
    for route, rule in TABLE.items():
        request = await request_for(world, route)
        answer = await call(browser, route[0], route[1].format(**request.path), request, token)
        wanted, found = expected(rule, caller, request.target), met(answer, request)
        heard += answer.text
        if wanted != found:
            wrong.append(f"{' '.join(route)}: the table says {wanted}, the answer was {found}")
        if caller in CITIZENS or caller == ANONYMOUS:
            told = [name for name, secret in (await secrets_of(world, caller)).items() if secret in answer.text]
            wrong += [f"{' '.join(route)}: tells {name}" for name in told]
        if found is Outcome.ALLOWED and request.shows:
            shown = str(world.city.case.id) in answer.text
            if shown != (caller in SEES[request.shows]):
                wrong.append(f"{' '.join(route)}: shows the case: {shown}")
    assert not wrong, "\n".join(wrong)
    if caller == "victim":
        assert all(secret in heard for secret in await words_of(world)), "else nobody could have been told them"


def test_every_row_of_the_table_has_its_request() -> None:
    assert set(REQUESTS) == set(TABLE)


def test_every_route_has_its_row_and_every_row_its_route() -> None:
    app = FastAPI(**api.APP_OPTIONS)
    api.install(app, with_single_sign_on=True)
    mounted = {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, operations in app.openapi()["paths"].items()
        for method in operations
    }
    assert mounted == set(TABLE)


def test_the_table_has_a_column_for_every_role() -> None:
    assert role_fields() == {role.value for role in Role}


def test_a_route_without_a_row_is_refused_when_it_is_mounted() -> None:
    router = APIRouter()
    router.get("/nobody-thought-of-this")(lambda: None)
    with pytest.raises(LookupError, match="nobody-thought-of-this"):
        check_listed(router)
