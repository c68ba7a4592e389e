"""The printed receipt: one page that carries its own font, and a record of who printed it."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import segno

from api.receipt_pdf import ReceiptFacts, render
from stewardship.foundation.audit.models import Event
from tests.api.city import City, officer_token
from tests.api.platform import Platform
from tests.api.world import World
from wechat.mini_program import Picture


def images(content: bytes) -> int:
    return content.count(b"/Subtype /Image")


@pytest.fixture
async def steward(city: City) -> dict[str, str]:
    return {"Authorization": f"Bearer {await officer_token(city, 'steward')}"}


def path(world: World) -> str:
    return f"/cases/{world.city.case.id}/members/{world.invited.member.id}/receipt.pdf"


def code() -> bytes:
    out = io.BytesIO()
    segno.make("WeChat").save(out, kind="png")
    return out.getvalue()


async def test_a_receipt_is_printed_and_that_it_was_is_known(
    client: httpx.AsyncClient, world: World, steward: dict[str, str], platform: Platform, monkeypatch: Any
) -> None:
    async def picture(scene: str, page: str, *, width: int = 430) -> Picture:
        assert scene == world.invited.token
        return Picture("image/png", code())

    monkeypatch.setattr(platform, "code", picture)
    answer = await client.get(path(world), headers=steward)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert images(answer.content) == 2
    assert answer.headers["cache-control"] == "no-store"
    event = await Event.get(kind="receipt.printed")
    assert (event.actor_id, event.subject_id) == (world.city.officers["steward"].id, world.invited.member.id)


async def test_while_wechat_is_away_the_link_alone_is_printed(
    client: httpx.AsyncClient, world: World, steward: dict[str, str], platform: Platform
) -> None:
    platform.away = True
    answer = await client.get(path(world), headers=steward)
    assert answer.status_code == 200
    assert images(answer.content) == 1


async def test_what_is_no_picture_is_not_printed(
    client: httpx.AsyncClient, world: World, steward: dict[str, str]
) -> None:
    assert images((await client.get(path(world), headers=steward)).content) == 1


async def test_a_used_invitation_has_no_receipt_any_more(
    client: httpx.AsyncClient, world: World, steward: dict[str, str]
) -> None:
    member = world.city.members["victim"]
    answer = await client.get(f"/cases/{world.city.case.id}/members/{member.id}/receipt.pdf", headers=steward)
    assert (answer.status_code, answer.json()["code"]) == (410, "invitation_used")
    assert await Event.filter(kind="receipt.printed").count() == 0


@pytest.mark.parametrize("unit", ["莲花派出所", "云州市公安局" + "经济技术" * 8 + "派出所"])
def test_it_is_one_page_with_its_font_inside(unit: str) -> None:
    printed = datetime(2026, 3, 2, 2, tzinfo=UTC)
    facts = ReceiptFacts(unit, "A26030212345678", "松月", "https://a.cn/p/i/x", "", "012345", printed, printed)
    content = render(facts)
    assert content.count(b"/Type /Page\n") == 1
    assert b"/FontFile3" in content
    assert len(content) < 200_000
