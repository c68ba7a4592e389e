"""`desk-first-load`: what a browser fetches, gzipped, until the steward's queue is on the screen."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.results import Result, bounded
from bench.stage import Stage

NAMES = ("desk-first-load",)
ROOT = Path(__file__).parents[1]
DIST = ROOT / "desk" / "dist"
ENTRY, FIRST_PAGE = "index.html", "src/pages/queue/QueuePage.vue"
GOAL_KB = 400.0


async def run(stage: Stage, names: frozenset[str]) -> list[Result]:
    """From the build's own manifest; builds it first where its sources are newer."""
    await asyncio.to_thread(subprocess.run, [sys.executable, "tools/node.py", "desk", "build"], cwd=ROOT, check=True)
    manifest: dict[str, Any] = json.loads((DIST / ".vite" / "manifest.json").read_text())
    files = {ENTRY, *needed(manifest, ENTRY), *needed(manifest, FIRST_PAGE)}
    size = sum(len(gzip.compress((DIST / name).read_bytes(), 9)) for name in files)
    return [bounded("desk-first-load", size / 1024, "KB", GOAL_KB)]


def needed(manifest: dict[str, Any], name: str) -> Iterator[str]:
    """The files of a chunk and of all that it cannot do without."""
    chunk = manifest[name]
    yield chunk["file"]
    yield from chunk.get("css", ())
    for other in chunk.get("imports", ()):
        yield from needed(manifest, other)
