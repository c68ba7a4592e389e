"""status-callback, status-at-scale and memory-server: a signed status query by a bound party, answered from the record.

Verified, de-duplicated, answered from PostgreSQL and recorded after a commit with synchronous_commit=on, against bare
FastAPI and wechatpy echoing the same message on the same server with the same flags.

`callbacks` draws the same people each time: at scale, 2,000 of the million ask again and again, and both databases
answer from memory. What somebody's first question costs, whose rows still lie on the disk, is not measured.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import time

import asyncpg

from bench import data
from bench.client import Load, post, send
from bench.results import Result, at_least, at_most, bounded
from bench.stage import Stage, await_port, peak_megabytes, process, uvicorn
from settings import get_settings

NAMES = ("status-callback", "status-at-scale", "memory-server")
SMALL, LARGE = 1_000, 1_000_000
CONNECTIONS = 64
REQUESTS, ROUNDS, WARM_UP = 6_000, 5, 2_000
AT_SCALE_REQUESTS, AT_SCALE_PAIRS = 2_000, 9
OURS, BARE = 8110, 8111
_message_ids = itertools.count(time.time_ns() // 1000)


def callbacks(count: int, people: int) -> list[bytes]:
    """Signed plain callbacks, each a new message, of people drawn at random."""
    settings = get_settings()
    token = settings.oa.token.get_secret_value()
    timestamp, nonce = str(int(time.time())), "bench"
    signed = "".join(sorted([token, timestamp, nonce])).encode()
    signature = hashlib.sha1(signed, usedforsecurity=False).hexdigest()
    path = f"/wechat/oa?signature={signature}&timestamp={timestamp}&nonce={nonce}"
    draw = random.Random(7)
    return [
        post(
            path,
            (
                "<xml><ToUserName><![CDATA[gh_bench]]></ToUserName><FromUserName><![CDATA["
                f"{data.OPENID.format(number=draw.randint(1, people))}]]></FromUserName>"
                f"<CreateTime>{timestamp}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
                f"<Content><![CDATA[询问进展]]></Content><MsgId>{next(_message_ids)}</MsgId></xml>"
            ).encode(),
            "text/xml",
        )
        for _ in range(count)
    ]


async def run(stage: Stage, names: frozenset[str]) -> list[Result]:
    """Measure what is asked for."""
    small = await data.cases(stage, SMALL)
    results: list[Result] = []
    if names & {"status-callback", "memory-server"}:
        results += await _against_bare(stage, small)
    if "status-at-scale" in names:
        large = await data.cases(stage, LARGE)
        results.append(await _at_scale(stage, small, large))
    return results


def _environment(stage: Stage, url: str) -> dict[str, str]:
    return {"STEWARD_DATABASE_URL": url, "STEWARD_REDIS_URL": stage.endpoints.redis_url}


async def _against_bare(stage: Stage, url: str) -> list[Result]:
    with (
        process(uvicorn("server:create_app", OURS, factory=True), **_environment(stage, url)) as ours,
        process(uvicorn("bench.bare_callback:app", BARE)),
    ):
        await_port(OURS, "/healthz")
        await_port(BARE)
        await send(OURS, callbacks(WARM_UP, SMALL), connections=CONNECTIONS)
        await send(BARE, callbacks(WARM_UP, SMALL), connections=CONNECTIONS)
        pairs = []
        for _ in range(ROUNDS):
            bare = await send(BARE, callbacks(REQUESTS, SMALL), connections=CONNECTIONS)
            before = await _recorded(url)
            mine = await send(OURS, callbacks(REQUESTS, SMALL), connections=CONNECTIONS)
            _check(mine, await _recorded(url) - before)
            pairs.append((mine, bare))
        rates = [(mine.rate, bare.rate) for mine, bare in pairs]
        mine_rate, bare_rate = sorted(rates, key=lambda pair: pair[0] / pair[1])[len(rates) // 2]
        memory = peak_megabytes(ours.pid)
    return [
        at_least("status-callback", mine_rate, "requests/s", bare_rate, 0.4),
        bounded("memory-server", memory, "MB", 200),
    ]


async def _recorded(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("select count(*) from inquiry_entry where kind = 'asked'"))
    finally:
        await connection.close()


def _check(load: Load, recorded: int) -> None:
    """Every request was answered from the record, and stands in the database."""
    if recorded != load.requests:
        raise AssertionError(f"{load.requests} asked, {recorded} recorded")
    if not all("等待鉴定意见".encode() in body for body in load.bodies):
        raise AssertionError("an answer does not come from the record")


async def _at_scale(stage: Stage, small: str, large: str) -> Result:
    """Two servers at a time, asked in turn, so that both meet the same machine."""
    with (
        process(uvicorn("server:create_app", OURS, factory=True), **_environment(stage, small)),
        process(uvicorn("server:create_app", BARE, factory=True), **_environment(stage, large)),
    ):
        await_port(OURS, "/healthz")
        await_port(BARE, "/healthz")
        # Many connections would measure the queue before the server; one at a time measures the answer.
        for port, people in ((OURS, SMALL), (BARE, LARGE)):
            await send(port, callbacks(WARM_UP, people), connections=4)
        pairs = [await _pair(few_first=number % 2 == 0) for number in range(AT_SCALE_PAIRS)]
    many_ms, few_ms = sorted(pairs, key=lambda pair: pair[0] / pair[1])[len(pairs) // 2]
    return at_most("status-at-scale", many_ms, "ms a query", few_ms, 1.15)


async def _pair(*, few_first: bool) -> tuple[float, float]:
    """Milliseconds a query with many cases and with few; which comes first changes, so that neither gains by it."""
    milliseconds = {}
    for port, people in ((OURS, SMALL), (BARE, LARGE))[:: 1 if few_first else -1]:
        load = await send(port, callbacks(AT_SCALE_REQUESTS, people), connections=4)
        milliseconds[people] = load.seconds / load.requests * 1000
    return milliseconds[LARGE], milliseconds[SMALL]
