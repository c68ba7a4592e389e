"""`python -m bench [NAME]`: measure against bare baselines, print a table, write `bench/results.json`."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys

os.environ.setdefault("STEWARD_ENVIRONMENT", "test")

from bench.results import Result, show, write
from bench.stage import stage

MODULES = ("bench.status", "bench.fan_out", "bench.scheduler", "bench.figures", "bench.desk")


def main() -> int:
    """Run what is asked for; the exit code says whether every goal was met."""
    modules = [importlib.import_module(name) for name in MODULES]
    known = [name for module in modules for name in module.NAMES]
    wanted = frozenset(sys.argv[1:]) or frozenset(known)
    if unknown := wanted - set(known):
        print(f"No such measurement: {', '.join(sorted(unknown))}. There are: {', '.join(known)}", file=sys.stderr)
        return 2
    results: list[Result] = []
    with stage() as place:
        for module in modules:
            if names := wanted & set(module.NAMES):
                print(f"{', '.join(sorted(names))} ...", flush=True)
                results += asyncio.run(module.run(place, names))
    show(results)
    write(results)
    return 0 if all(result.met for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
