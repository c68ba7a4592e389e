"""The desk's files: the page for every address of its own, assets for ever, and nothing else's place taken."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from api.desk_site import DeskSite


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>案管家</title>")
    (tmp_path / "assets" / "index-abc.js").write_text("let a = 1;")
    (tmp_path / "assets" / "index-abc.js.gz").write_bytes(gzip.compress(b"let a = 1;"))
    (tmp_path.parent / "secret.txt").write_text("no")
    async with client(tmp_path) as found:
        yield found


def client(directory: Path) -> httpx.AsyncClient:
    app = Starlette(routes=[DeskSite(directory)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://steward.test")


@pytest.mark.parametrize("path", ["/", "/cases", "/inquiries/01932c07-5d2e-7c3a-9b1f-2f6d8a4e5c70", "/index.html/"])
async def test_every_address_of_its_own_is_the_page(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert "案管家" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy.replace("style-src-attr 'unsafe-inline'", "")


async def test_assets_are_kept_and_sent_as_the_build_compressed_them(browser: httpx.AsyncClient) -> None:
    packed = await browser.get("/assets/index-abc.js", headers={"Accept-Encoding": "gzip"})
    plain = await browser.get("/assets/index-abc.js", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text == "let a = 1;"
    assert "immutable" in packed.headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["/api/v1/none", "/api", "/p/i/none", "/assets/gone.js", "/favicon.ico", "/%2e%2e/secret.txt"]
)
async def test_nothing_of_others_and_nothing_beyond_its_folder(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).status_code == 404


async def test_only_reading(browser: httpx.AsyncClient) -> None:
    assert (await browser.post("/cases")).status_code == 404


async def test_where_it_was_not_built_it_says_how(tmp_path: Path) -> None:
    async with client(tmp_path) as browser:
        answer = await browser.get("/")
    assert answer.status_code == 503
    assert "make desk" in answer.text
