"""The whole installation under load while it is killed: `python -m tests.faults.storm HOME [--seconds 30] [--seed 1]`.

Prints what happened and what is wrong; exit code 0 where nothing is. Runs as a program of its own, because it starts
servers and processes that end with it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import socket
import sys
import time
from pathlib import Path

import aiohttp

from demo.web import Web
from kit import crypto, database, logs
from kit.servers import embedded
from settings import Settings, get_settings
from stewardship import reactions
from tests.faults import installation, verdict
from tests.faults.installation import Installation
from tests.faults.town import Town, build
from tests.faults.traffic import Traffic

CASES = 6
LONGEST_SETTLING = 45.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings_for(home: Path) -> Settings:
    """A demonstration's, on ports of its own; our processes read the same from the environment."""
    os.environ |= {
        "STEWARD_ENVIRONMENT": "demo",
        "STEWARD_HOME": str(home),
        "STEWARD_PORT": str(free_port()),
        "STEWARD_SANDBOX_PORT": str(free_port()),
    }
    for name in ("STEWARD_DATABASE_URL", "STEWARD_REDIS_URL", "STEWARD_PUBLIC_URL"):
        os.environ.pop(name, None)
    get_settings.cache_clear()
    return get_settings()


async def disasters(running: Installation, chance: random.Random, seconds: float) -> None:
    """One every two to four seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(chance.uniform(2, 4))
        running.disaster(chance)


async def storm(settings: Settings, url: str, running: Installation, seed: int, seconds: float) -> bool:
    """Load and disasters, then the verdict; True where nothing is wrong."""
    crypto.open_vault(settings.encryption_keys.get_secret_value(), settings.index_keys.get_secret_value())
    reactions.register()
    async with database.connected(url, pool=8), aiohttp.ClientSession() as session:
        platform = Web(session, f"http://127.0.0.1:{settings.sandbox_port}")
        town = await build(platform, f"http://127.0.0.1:{settings.port}", CASES)
        stop = asyncio.Event()
        traffic = Traffic(town, platform, random.Random(seed), stop)  # noqa: S311 — drawn again from the same seed.
        at_work = asyncio.create_task(traffic.run())
        await disasters(running, random.Random(seed + 1), seconds)  # noqa: S311 — see above.
        stop.set()
        await at_work
        settled = await verdict.settle(platform, LONGEST_SETTLING)
        found = await verdict.judge(town, platform, settings.oa.app_id)
    found.wrong += [f"{name} ended by itself" for name in running.still_run()]
    tell(town, traffic, running, found, settled)
    return not found.wrong


def tell(town: Town, traffic: Traffic, running: Installation, found: verdict.Verdict, settled: float) -> None:
    """The counts, for whoever reads the test's output."""
    lines = [f"{len(town.citizens)} parties of {len(town.cases)} cases; settled {settled:.0f} s after the load"]
    lines += [f"{name}: {count}" for name, count in sorted(found.counts.items())]
    lines += [f"killed or restarted {name}: {count} times" for name, count in sorted(running.kills.items())]
    lines += [f"done: {name}: {count}" for name, count in sorted(traffic.done.items())]
    lines += [f"given up by the platform: {each}" for each in found.given_up]
    lines += [f"WRONG: {each}" for each in found.wrong]
    sys.stdout.write("\n".join(lines) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    settings = settings_for(arguments.home.absolute())
    logs.configure("storm")
    with embedded(settings.home) as servers:
        urls = {"STEWARD_DATABASE_URL": servers.database_url, "STEWARD_REDIS_URL": servers.redis_url}
        installation.migrate(settings, urls)
        with installation.running(settings, servers.database_url, servers.redis_url) as running:
            good = asyncio.run(storm(settings, servers.database_url, running, arguments.seed, arguments.seconds))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
