"""Cursors: opaque, signed, and every row exactly once."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.paging import Cursors
from stewardship import intake
from stewardship.foundation.errors import Invalid
from tests.api.city import City, acting, officer_token

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


async def test_a_cursor_of_a_colleague_does_not_fit(client: httpx.AsyncClient, city: City) -> None:
    steward = await acting(city.officers["steward"])
    draft = intake.CaseDraft(unit_id=city.station.id, steward_id=city.officers["steward"].id)
    await intake.register_case(steward, draft, [])
    mine = {"Authorization": f"Bearer {await officer_token(city, 'steward')}"}
    cursor = (await client.get("/cases", params={"limit": "1"}, headers=mine)).json()["next"]
    theirs = {"Authorization": f"Bearer {await officer_token(city, 'instructor')}"}
    answer = await client.get("/cases", params={"cursor": cursor}, headers=theirs)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")
