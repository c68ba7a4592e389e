"""Cursors: opaque, signed, and every row exactly once."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.paging import Cursors
from kit import clock
from stewardship import intake
from stewardship.casework.updates import service as updates
from stewardship.casework.updates.models import AudienceKind, Update, UpdateAddressee
from stewardship.casework.updates.rules import Audience
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import Inquiry
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.errors import Invalid
from stewardship.foundation.files import service as files
from stewardship.foundation.files.models import StoredFile
from tests.api.city import City, acting, citizen_token, officer_token

KEY = b"k" * 32


@given(at=st.datetimes(timezones=st.just(UTC)), row_id=st.uuids())
def test_a_cursor_comes_back_as_it_was_made(at: datetime, row_id: UUID) -> None:
    cursors = Cursors(KEY, "cases")
    assert cursors.read(cursors.make(at, row_id)) == (at, row_id)


@given(data=st.data(), at=st.datetimes(timezones=st.just(UTC)), row_id=st.uuids())
def test_a_cursor_with_one_character_changed_is_refused(data: st.DataObject, at: datetime, row_id: UUID) -> None:
    cursor = Cursors(KEY, "cases").make(at, row_id)
    position = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != cursor[position]))
    changed = cursor[:position] + other + cursor[position + 1 :]
    with pytest.raises(Invalid) as refused:
        Cursors(KEY, "cases").read(changed)
    assert refused.value.code == "bad_cursor"


@pytest.mark.parametrize("cursors", [Cursors(KEY, "queue"), Cursors(b"x" * 32, "cases")])
def test_a_cursor_of_another_list_or_another_key_is_refused(cursors: Cursors) -> None:
    cursor = Cursors(KEY, "cases").make(datetime.now(UTC), UUID(int=1))
    with pytest.raises(Invalid, match="bad_cursor"):
        cursors.read(cursor)


@given(text=st.text(max_size=200))
def test_any_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="bad_cursor"):
        Cursors(KEY, "cases").read(text)


async def test_every_case_is_listed_exactly_once(client: httpx.AsyncClient, city: City) -> None:
    steward = await acting(city.officers["steward"])
    draft = intake.CaseDraft(unit_id=city.station.id, steward_id=city.officers["steward"].id)
    made = {str((await intake.register_case(steward, draft, [])).case.id) for _ in range(7)} | {str(city.case.id)}
    headers = {"Authorization": f"Bearer {await officer_token(city, 'steward')}"}
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(10):
        params = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/cases", params=params, headers=headers)).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 8
    assert set(seen) == made


async def everything_at_once(city: City) -> None:
    """Three updates, inquiries and files of the victim, each of the same instant."""
    steward, victim, at = await acting(city.officers["steward"]), city.members["victim"], clock.now()
    for number in range(3):
        await updates.post_update(
            steward,
            city.case.id,
            text=f"第{number}次走访，情况不同。",
            awaited="等待核对",
            next_contact_on=clock.today(),
            audience=Audience(AudienceKind.EVERYONE),
        )
        asked = await inquiries.ask(SYSTEM, victim, "几时有结果？", channel="mp", source_key=f"key-{number}")
        await inquiries.close_without_reply(steward, asked.inquiry.id, "重复")
        await files.announce(
            SYSTEM, media_id="m", person_id=victim.person_id, case_id=city.case.id, origin="oa", key=f"key-{number}"
        )
    await Inquiry.all().update(opened_at=at)
    await StoredFile.all().update(created_at=at)
    await Update.all().update(posted_at=at)
    await UpdateAddressee.all().update(posted_at=at)


@pytest.mark.parametrize("what", ["inquiries", "updates", "files"])
@pytest.mark.parametrize("who", ["steward", "victim"])
async def test_rows_of_the_same_instant_are_listed_exactly_once_each(
    client: httpx.AsyncClient, city: City, who: str, what: str
) -> None:
    await everything_at_once(city)
    path = f"/cases/{city.case.id}/{what}" if who == "steward" else f"/my/cases/{city.case.id}/{what}"
    token = await (officer_token if who == "steward" else citizen_token)(city, who)
    seen: list[str] = []
    params = {"limit": "1"}
    for _ in range(6):
        page = (await client.get(path, params=params, headers={"Authorization": f"Bearer {token}"})).json()
        seen += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert len(seen) == len(set(seen)) == 3


async def test_a_cursor_of_a_colleague_does_not_fit(client: httpx.AsyncClient, city: City) -> None:
    steward = await acting(city.officers["steward"])
    draft = intake.CaseDraft(unit_id=city.station.id, steward_id=city.officers["steward"].id)
    await intake.register_case(steward, draft, [])
    mine = {"Authorization": f"Bearer {await officer_token(city, 'steward')}"}
    cursor = (await client.get("/cases", params={"limit": "1"}, headers=mine)).json()["next"]
    theirs = {"Authorization": f"Bearer {await officer_token(city, 'instructor')}"}
    answer = await client.get("/cases", params={"cursor": cursor}, headers=theirs)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")
