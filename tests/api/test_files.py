"""Sending material and reading it."""

from __future__ import annotations

import httpx
import pytest

import api
from stewardship.foundation.files import service as files
from stewardship.foundation.files.models import StoredFile
from stewardship.foundation.files.rules import MAX_BYTES
from stewardship.foundation.files.scanning import TestFileScanner
from tests.api.city import City, citizen_token, officer_token

PNG = b"\x89PNG\r\n\x1a\n" + bytes(1000)
KEY = {"client_key": "upload-0001"}


async def bearer(city: City, name: str) -> dict[str, str]:
    make = citizen_token if name in city.citizens else officer_token
    return {"Authorization": f"Bearer {await make(city, name)}"}


async def send(client: httpx.AsyncClient, city: City, content: bytes, key: dict[str, str] = KEY) -> httpx.Response:
    return await client.post(
        f"/my/cases/{city.case.id}/files",
        params=key,
        files={"note": (None, "不是文件"), "file": ("evil.exe", content, "application/x-msdownload")},
        headers=await bearer(city, "victim"),
    )


async def test_material_waits_for_its_scan_and_is_then_read_by_the_officers_of_the_case(
    client: httpx.AsyncClient, city: City, services: api.Services
) -> None:
    sent = await send(client, city, PNG)
    assert (sent.status_code, sent.json()["media_type"], sent.json()["size"]) == (201, "image/png", len(PNG))
    path, steward = f"/cases/{city.case.id}/files/{sent.json()['id']}", await bearer(city, "steward")
    early = await client.get(path, headers=steward)
    assert (early.status_code, early.json()["code"]) == (409, "file_not_ready")
    file = await StoredFile.get(id=sent.json()["id"])
    await files.scan(services.files, file.id, TestFileScanner())
    read = await client.get(path, headers=steward)
    assert read.content == PNG
    assert read.headers["content-type"] == "image/png"
    assert read.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in read.headers["content-security-policy"]
    assert PNG not in services.files.path(file.id).read_bytes()


async def test_the_same_tap_twice_is_one_file(client: httpx.AsyncClient, city: City) -> None:
    first, second = await send(client, city, PNG), await send(client, city, PNG)
    assert first.json()["id"] == second.json()["id"]
    mine = await client.get(f"/my/cases/{city.case.id}/files", headers=await bearer(city, "victim"))
    assert len(mine.json()["items"]) == 1


async def test_nobody_else_hears_of_it(client: httpx.AsyncClient, city: City) -> None:
    await send(client, city, PNG)
    theirs = await client.get(f"/my/cases/{city.case.id}/files", headers=await bearer(city, "opponent"))
    assert theirs.json()["items"] == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"MZ\x90\x00 this is a program", "file_type"),
        (b"<html><script>alert(1)</script></html>", "file_type"),
        (PNG + bytes(MAX_BYTES), "file_too_large"),
    ],
    ids=["empty", "program", "page", "too large"],
)
async def test_what_is_not_taken_leaves_nothing_behind(
    client: httpx.AsyncClient, city: City, services: api.Services, content: bytes, code: str
) -> None:
    answer = await send(client, city, content)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert await StoredFile.all().count() == 0
    assert list(services.files.present()) == []
    assert not any(services.files.path(city.case.id).parent.parent.rglob("*.part"))


async def test_far_too_much_is_cut_off(client: httpx.AsyncClient, city: City) -> None:
    answer = await send(client, city, PNG + bytes(MAX_BYTES + 2 * 1024 * 1024))
    assert answer.status_code in {400, 413}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + PNG, "multipart/form-data; boundary=x"),
        (b"nonsense", "multipart/form-data; boundary=x"),
        (b"{}", "application/json"),
        (PNG, "multipart/form-data"),
        (PNG, "multipart/form-data; boundary=" + "x" * 300),
        (b"--x--\r\n", "multipart/form-data; boundary=x"),
    ],
)
async def test_a_broken_form_is_refused(
    client: httpx.AsyncClient, city: City, services: api.Services, body: bytes, kind: str
) -> None:
    answer = await client.post(
        f"/my/cases/{city.case.id}/files",
        params=KEY,
        content=body,
        headers=await bearer(city, "victim") | {"Content-Type": kind},
    )
    assert (answer.status_code, answer.json()["code"] in {"upload_malformed", "file_empty"}) == (400, True)
    assert list(services.files.present()) == []


async def test_a_blob_that_is_gone_is_said_so(client: httpx.AsyncClient, city: City, services: api.Services) -> None:
    sent = await send(client, city, PNG)
    file = await StoredFile.get(id=sent.json()["id"])
    await files.scan(services.files, file.id, TestFileScanner())
    await services.files.delete(file.id)
    answer = await client.get(f"/cases/{city.case.id}/files/{file.id}", headers=await bearer(city, "steward"))
    assert (answer.status_code, answer.json()["code"]) == (410, "file_gone")
