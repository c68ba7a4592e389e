"""What a broken connection means: nothing was sent, or nobody knows; and one renewal of the token, never two."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import traceback
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tests.wechat.faulty_server import Served, raw_serving, serving
from wechat.errors import (
    Ambiguous,
    Busy,
    CallError,
    MalformedAnswer,
    Misconfigured,
    NotSent,
    PlatformError,
    TokenRejected,
    platform_error,
)
from wechat.official_account import OfficialAccount
from wechat.transport import Transport
from wechat.wire import Client, client

OPENID = "oCitizen"
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n{"errcode":0,"errmsg":"ok"}'


class Counting:
    """A token source whose tokens are numbered."""

    def __init__(self) -> None:
        self.renewed: list[str] = []

    async def token(self) -> str:
        return f"secret-token-{len(self.renewed)}"

    async def renew(self, rejected: str) -> str:
        self.renewed.append(rejected)
        return f"secret-token-{len(self.renewed)}"


def account_at(url: str, http: Client, seconds: float = 0.3) -> OfficialAccount:
    return OfficialAccount(Transport(http, base_url=url, tokens=Counting(), seconds=seconds))


async def outcome(served: Served) -> type[CallError]:
    with pytest.raises(CallError) as failure:
        await account_at(served.url, served.http).send_text(OPENID, "您好")
    whole = "".join(traceback.format_exception(failure.value))
    assert "secret-token" not in whole, "an error must not carry the token into a log"
    return type(failure.value)


@contextlib.contextmanager
def overrun() -> Iterator[str]:
    """The address of a host whose queue of connections is full."""
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            another = waiting.enter_context(socket.socket())
            another.setblocking(False)
            another.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"


class TestNothingWasSent:
    async def test_connection_refused(self, http: Client) -> None:
        with pytest.raises(NotSent):
            await account_at("http://127.0.0.1:9", http).send_text(OPENID, "您好")

    async def test_no_such_host(self, http: Client) -> None:
        with pytest.raises(NotSent):
            await account_at("http://api.invalid", http, 10.0).send_text(OPENID, "您好")

    async def test_a_host_that_does_not_accept(self) -> None:
        with overrun() as url:
            async with client(connect_seconds=0.3) as http:
                with pytest.raises(NotSent):
                    await account_at(url, http, 5.0).send_text(OPENID, "您好")

    async def test_an_address_that_is_none(self, http: Client) -> None:
        with pytest.raises(NotSent):
            await account_at("nonsense", http).send_text(OPENID, "您好")

    async def test_no_connection_became_free_in_time(self) -> None:
        busy, enough = asyncio.Event(), asyncio.Event()

        async def wait(_: web.Request) -> web.StreamResponse:
            busy.set()
            await enough.wait()
            return web.json_response({"errcode": 0})

        async with serving(wait) as served, client(connections=1, connect_seconds=0.3) as session:
            first = asyncio.create_task(account_at(served.url, session, 2.0).send_text(OPENID, "一"))
            await busy.wait()
            with pytest.raises(NotSent):
                await account_at(served.url, session, 2.0).send_text(OPENID, "二")
            enough.set()
            await first
            assert len(served.requests) == 1

    async def test_a_server_that_speaks_no_tls(self) -> None:
        async def answer(writer: asyncio.StreamWriter, _: int) -> None:
            writer.write(OK)

        async with raw_serving(answer) as served:
            secure = served.url.replace("http://", "https://")
            async with client(connect_seconds=0.3) as http:
                with pytest.raises(NotSent):
                    await account_at(secure, http, 5.0).send_text(OPENID, "您好")
            assert served.requests == []


async def silent(writer: asyncio.StreamWriter, _: int) -> None:
    """Reads and never answers."""


async def hang_up(writer: asyncio.StreamWriter, _: int) -> None:
    writer.close()


async def reset(writer: asyncio.StreamWriter, _: int) -> None:
    writer.transport.abort()


async def half_an_answer(writer: asyncio.StreamWriter, _: int) -> None:
    writer.write(OK[:-5])
    await writer.drain()
    writer.close()


async def half_an_answer_and_silence(writer: asyncio.StreamWriter, _: int) -> None:
    writer.write(OK[:-5])
    await writer.drain()


async def another_language(writer: asyncio.StreamWriter, _: int) -> None:
    writer.write(b"220 mail.example ESMTP\r\n\r\n")
    await writer.drain()


async def endless(writer: asyncio.StreamWriter, _: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n")
    for _ in range(90):
        writer.write(b"{" * 65_536)
        await writer.drain()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (silent, Ambiguous),
        (hang_up, Ambiguous),
        (reset, Ambiguous),
        (half_an_answer, Ambiguous),
        (half_an_answer_and_silence, Ambiguous),
        (another_language, Ambiguous),
        (endless, MalformedAnswer),
    ],
)
async def test_it_may_have_been_sent(
    answer: Callable[[asyncio.StreamWriter, int], Awaitable[None]], error: type[CallError]
) -> None:
    async with raw_serving(answer) as served:
        assert await outcome(served) is error
        assert len(served.requests) == 1, "never twice underneath us"


async def test_a_kept_connection_that_breaks_is_not_used_for_a_second_try() -> None:
    async def once(writer: asyncio.StreamWriter, number: int) -> None:
        if number == 1:
            writer.write(OK)
            await writer.drain()
        else:
            writer.close()

    async with raw_serving(once) as served:
        account = account_at(served.url, served.http)
        await account.send_text(OPENID, "一")
        with pytest.raises(Ambiguous):
            await account.send_text(OPENID, "二")
        assert len(served.requests) == 2


def answering(*answers: object) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """One answer after the other; the last one for ever."""
    left = list(answers)

    async def answer(_: web.Request) -> web.StreamResponse:
        found = left.pop(0) if len(left) > 1 else left[0]
        return found if isinstance(found, web.StreamResponse) else web.json_response(found)

    return answer


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, Misconfigured), (400, Misconfigured), (404, Misconfigured), (413, Misconfigured), (429, Busy),
        (500, Ambiguous), (502, Ambiguous), (503, Ambiguous), (504, Ambiguous),
    ],
)  # fmt: skip
async def test_http_statuses(status: int, error: type[CallError]) -> None:
    headers = {"Location": "http://127.0.0.1:9/"} if status == 301 else None
    async with serving(answering(web.Response(status=status, headers=headers))) as served:
        assert await outcome(served) is error
        assert len(served.requests) == 1


@pytest.mark.parametrize("body", [{"errcode": "many"}, {"errcode": None}, {"errcode": [1]}])
async def test_an_answer_that_makes_no_sense(body: object) -> None:
    async with serving(answering(body)) as served:
        assert await outcome(served) is MalformedAnswer


@pytest.mark.parametrize("text", ["<html>维护中</html>", "", "[]", "{"])
async def test_an_answer_that_is_not_even_json(text: str) -> None:
    async with serving(answering(web.Response(text=text, content_type="text/html"))) as served:
        with pytest.raises(MalformedAnswer):
            await account_at(served.url, served.http).create_qrcode("join", 60)


@pytest.mark.parametrize("code", [40001, 40014, 42001])
class TestTokens:
    async def test_a_rejected_token_is_renewed_and_the_call_repeated(self, code: int) -> None:
        async with serving(answering({"errcode": code}, {"errcode": 0})) as served:
            tokens = Counting()
            account = OfficialAccount(Transport(served.http, base_url=served.url, tokens=tokens))
            await account.send_text(OPENID, "您好")
        assert tokens.renewed == ["secret-token-0"]
        assert [request.rpartition(b"=")[2] for request in served.requests] == [b"secret-token-0", b"secret-token-1"]

    async def test_twice_at_most_however_persistent(self, code: int) -> None:
        async with serving(answering({"errcode": code, "errmsg": "invalid credential"})) as served:
            assert await outcome(served) is TokenRejected
        assert len(served.requests) == 3

    async def test_the_second_answer_counts(self, code: int) -> None:
        async with serving(answering({"errcode": code}, {"errcode": 45015})) as served:
            with pytest.raises(PlatformError, match="45015"):
                await account_at(served.url, served.http).send_text(OPENID, "您好")


async def test_the_request_is_what_the_platform_documents() -> None:
    seen: dict[str, Any] = {}

    async def look(request: web.Request) -> web.StreamResponse:
        seen.update(path=request.path, query=dict(request.query), type=request.content_type, body=await request.read())
        return web.json_response({"errcode": 0})

    async with serving(look) as served:
        await account_at(f"{served.url}/", served.http).send_text(OPENID, "您好")
    assert (seen["path"], seen["query"]) == ("/cgi-bin/message/custom/send", {"access_token": "secret-token-0"})
    assert seen["type"] == "application/json"
    assert orjson.loads(seen["body"]) == {"touser": OPENID, "msgtype": "text", "text": {"content": "您好"}}
    assert "您好".encode() in seen["body"], "escaped characters would be shown as such"


def test_addresses_follow_the_settings() -> None:
    transport = Transport(None, base_url="http://here:1/", tokens=Counting())  # type: ignore[arg-type]  # Sends nothing.
    assert transport.address("message/custom/send") == "http://here:1/cgi-bin/message/custom/send"
    assert transport.address("wxa/x", "https://api.weixin.qq.com/") == "http://here:1/wxa/x"
    assert transport.address("https://api.weixin.qq.com/sns/x") == "http://here:1/sns/x"


async def test_a_video_is_fetched_from_the_platform_only() -> None:
    async with serving(answering({"video_url": "http://attacker.example/x.mp4"})) as served:
        with pytest.raises(MalformedAnswer, match="video_url"):
            async with account_at(served.url, served.http).download_media("m", limit=10):
                raise AssertionError("nothing to read")


@given(errcode=st.integers(-10, 99_999).filter(bool), message=st.text(max_size=600))
def test_every_errcode_is_a_platform_error_with_a_bounded_text(errcode: int, message: str) -> None:
    error = platform_error(errcode, message)
    assert isinstance(error, PlatformError)
    assert error.errcode == errcode
    assert len(str(error)) <= 300
