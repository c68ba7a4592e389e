"""`steward clock` and `steward clocks`, run as a person runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import typer

from cli.clock import duration
from kit import clock, database
from kit.servers import Endpoints
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.clocks.models import Clock
from tests.scheduler.processes import ROOT
from tests.support.world import MONDAY_MORNING, build_world, case_with

SECRETS = {
    "STEWARD_ENCRYPTION_KEYS": "1:" + "QUJD" * 10 + "QUI=",
    "STEWARD_INDEX_KEYS": "1:" + "REVG" * 10 + "REU=",
    "STEWARD_SESSION_KEY": "R0hJ" * 10 + "R0g=",
} | {
    f"STEWARD_MP_{name}": "x" * 43 if name == "AES_KEY" else "real" for name in ("APP_ID", "SECRET", "TOKEN", "AES_KEY")
}


def steward(
    url: str, endpoints: Endpoints, *words: str, typed: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    servers = {"STEWARD_DATABASE_URL": url, "STEWARD_REDIS_URL": endpoints.redis_url}
    return subprocess.run(
        [sys.executable, "-P", "-m", "cli", *words],
        env=os.environ | {"STEWARD_ENVIRONMENT": "test", "PYTHONPATH": str(ROOT)} | servers | environment,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_time_passes_for_everybody_when_it_is_told_to(real_db: str, endpoints: Endpoints) -> None:
    for _ in range(2):
        done = steward(real_db, endpoints, "clock", "advance", "1h30m")
        assert done.returncode == 0, done.stderr
    assert "3:00:00 ahead" in done.stdout
    assert "3:00:00 ahead" in steward(real_db, endpoints, "clock", "show").stdout
    assert await database.fetchval("select seconds from clock_offset") == 3 * 3600


async def test_in_production_the_clock_is_real(real_db: str, endpoints: Endpoints) -> None:
    sms = {f"STEWARD_SMS_{name}": "real" for name in ("SECRET_ID", "SECRET_KEY", "CALLBACK_SECRET")}
    done = steward(real_db, endpoints, "clock", "advance", "1h", STEWARD_ENVIRONMENT="production", **SECRETS, **sms)
    assert done.returncode == 1, done.stderr
    assert "real in production" in done.stderr
    assert "Traceback" not in done.stderr
    assert await database.fetchval("select count(*) from clock_offset") == 0


async def test_a_stored_clock_that_its_log_does_not_bear_out_is_named(
    real_db: str, endpoints: Endpoints, clock_at: Callable[[datetime], None]
) -> None:
    clock_at(MONDAY_MORNING)
    await database.execute(
        "insert into clock_offset (id, seconds) values (1, $1)", (MONDAY_MORNING - clock.real_now()).total_seconds()
    )
    member = (await case_with(await build_world(), (PartyRole.VICTIM, Side.A))).members[0]
    asked = await inquiries.ask(
        Actor(ActorKind.CITIZEN, member.person_id), member, "什么时候？", channel="oa", source_key="1"
    )
    done = steward(real_db, endpoints, "clocks", "replay")
    assert (done.returncode, done.stdout.strip()) == (0, "1 clocks, 0 differences"), done.stderr
    await Clock.filter(subject_id=asked.inquiry.id).update(first_due_at=MONDAY_MORNING)
    done = steward(real_db, endpoints, "clocks", "replay")
    assert done.returncode == 1
    assert f"inquiry {asked.inquiry.id} first_due_at" in done.stdout


@pytest.mark.parametrize(
    ("words", "length"),
    [("30m", timedelta(minutes=30)), ("1d12h", timedelta(hours=36)), ("90s", timedelta(seconds=90))],
)
def test_a_duration_is_read(words: str, length: timedelta) -> None:
    assert duration(words) == length


@pytest.mark.parametrize("words", ["", "0s", "-1h", "1h1d", "9999d", "an hour", "1.5h"])
def test_anything_else_is_refused(words: str) -> None:
    with pytest.raises(typer.BadParameter):
        duration(words)
