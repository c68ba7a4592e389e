"""dashboard-at-scale and queue-at-scale: a city's dashboard over a year, and a steward's queue, through the API.

Ours on one core, with ten thousand and ten million inquiries in turn; beside it, what the same medians cost in plain
SQL over the raw rows.
"""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from bench.city import city
from bench.client import Load, get, send
from bench.results import Result
from bench.stage import Stage, await_port, orm, process, uvicorn
from kit import clock, database
from stewardship.foundation.people import sessions
from stewardship.foundation.people.models import SessionKind

NAMES = ("dashboard-at-scale", "queue-at-scale")
FEW, MANY = 10_000, 10_000_000
FEW_PORT, MANY_PORT = 8112, 8113
WARM_UP, REQUESTS, ROUNDS = 20, 40, 5
DASHBOARD_MS, QUEUE_MS, RATIO = 100.0, 20.0, 1.5
# Monthly medians of a year, of the whole city: what one of the dashboard's charts shows.
NAIVE = """
select date_trunc('month', i.opened_at at time zone 'Asia/Shanghai') as month, count(*),
  percentile_cont(array[0.5, 0.9]) within group (order by k.first_duty_seconds) as first_response,
  percentile_cont(array[0.5, 0.9]) within group (order by k.full_duty_seconds) as full_answer,
  count(*) filter (where k.full_at <= k.full_due_at) as in_time
from inquiry i left join clock k on k.subject_kind = 'inquiry' and k.subject_id = i.id
where i.unit_id = any(array(select id from unit)) and i.opened_at >= $1 and i.opened_at < $2
  and i.state not in ('merged', 'closed') group by 1
"""


async def run(stage: Stage, names: frozenset[str]) -> list[Result]:
    """Measure what is asked for."""
    few, many = await city(stage, FEW), await city(stage, MANY)
    redis = stage.endpoints.redis_url
    small = process(uvicorn("server:create_app", FEW_PORT, factory=True), **_at(few, redis))
    large = process(uvicorn("server:create_app", MANY_PORT, factory=True), **_at(many, redis))
    results: list[Result] = []
    with small, large:
        await_port(FEW_PORT, "/healthz")
        await_port(MANY_PORT, "/healthz")
        if "dashboard-at-scale" in names:
            results += await _dashboard(few, many)
        if "queue-at-scale" in names:
            results.append(await _queue(few, many))
    return results


def _at(url: str, redis: str) -> dict[str, str]:
    return {"STEWARD_DATABASE_URL": url, "STEWARD_REDIS_URL": redis}


async def _dashboard(few: str, many: str) -> list[Result]:
    requests = {url: await _dashboard_request(url) for url in (few, many)}
    ours, baseline = await _in_turn(requests[few], requests[many])
    naive = await _naive(many)
    return [
        Result(
            "dashboard-at-scale",
            round(ours, 1),
            "ms p95",
            round(baseline, 1),
            round(ours / baseline, 3),
            f"value <= {DASHBOARD_MS:g}, ratio <= {RATIO}",
            ours <= DASHBOARD_MS and ours / baseline <= RATIO,
        ),
        Result(
            "dashboard-or-raw-rows",
            round(ours, 1),
            "ms p95",
            round(naive, 1),
            round(ours / naive, 5),
            "ratio < 1",
            ours < naive,
        ),
    ]


async def _dashboard_request(url: str) -> bytes:
    officer, token = await _session(url, "select id from officer where number = 'BENCH0'")
    unit = await _value(url, "select unit_id from officer where id = $1", officer)
    last = await _today(url)
    path = f"/api/v1/reports/units/{unit}/dashboard?first={last - timedelta(days=364)}&last={last}"
    return get(path, token)


async def _queue(few: str, many: str) -> Result:
    """The steward with the longest queue."""
    busiest = "select owner_id from inquiry where state = 'waiting' group by owner_id order by count(*) desc limit 1"
    requests = {url: get("/api/v1/queue", (await _session(url, busiest))[1]) for url in (few, many)}
    ours, baseline = await _in_turn(requests[few], requests[many])
    return Result(
        "queue-at-scale",
        round(ours, 1),
        "ms p95",
        round(baseline, 1),
        round(ours / baseline, 3),
        f"value <= {QUEUE_MS:g}",
        ours <= QUEUE_MS,
    )


async def _in_turn(few: bytes, many: bytes) -> tuple[float, float]:
    """95th percentiles in milliseconds, (many, few): both servers asked in turn, so that both meet the same machine."""
    for port, request in ((FEW_PORT, few), (MANY_PORT, many)):
        await send(port, [request] * WARM_UP, connections=1)
    loads: dict[int, list[Load]] = {FEW_PORT: [], MANY_PORT: []}
    for _ in range(ROUNDS):
        for port, request in ((FEW_PORT, few), (MANY_PORT, many)):
            loads[port].append(await send(port, [request] * REQUESTS, connections=1))
    _check(loads[MANY_PORT][0])
    return _p95(loads[MANY_PORT]), _p95(loads[FEW_PORT])


def _p95(loads: list[Load]) -> float:
    """Of all requests of all rounds."""
    latencies = [latency for load in loads for latency in load.latencies]
    return Load(len(latencies), 1, latencies, []).percentile(0.95) * 1000


def _check(load: Load) -> None:
    """The answer is about something."""
    found = orjson.loads(load.bodies[0])
    if not (found.get("items") or found["questions"]["asked"] > 1_000_000):
        raise AssertionError("the answer is empty")


async def _naive(url: str) -> float:
    """Milliseconds, once: it takes seconds."""
    last = await _today(url)
    connection = await asyncpg.connect(url)
    try:
        started = time.monotonic()
        await connection.fetch(NAIVE, *(_midnight(last, days) for days in (-364, 1)), timeout=600)
        return (time.monotonic() - started) * 1000
    finally:
        await connection.close()


def _midnight(day: date, days: int) -> datetime:
    return datetime.combine(day + timedelta(days=days), datetime.min.time(), clock.LOCAL)


async def _today(url: str) -> date:
    at: datetime = await _value(url, "select at from bench_ready")
    return clock.local(at).date()


async def _value(url: str, sql: str, *values: object) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql, *values)
    finally:
        await connection.close()


async def _session(url: str, officer: str) -> tuple[UUID, str]:
    """An officer that the query names, and a token of theirs."""
    async with orm(url):
        officer_id = await database.fetchval(officer)
        return officer_id, await sessions.open_session(SessionKind.OFFICER, officer_id=officer_id)
