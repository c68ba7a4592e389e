"""Nothing lost, nothing twice, whatever is killed: see `storm`.

`STEWARD_STORM_SECONDS=600 STEWARD_STORM_SEED=7 make test T=tests/faults` runs a longer one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.installation import process_environment
from settings import get_settings

SECONDS = float(os.environ.get("STEWARD_STORM_SECONDS", "30"))
SEED = os.environ.get("STEWARD_STORM_SEED", "1")


@pytest.mark.timeout(SECONDS + 240)
def test_under_load_and_kills_every_message_and_update_arrives_once(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.storm", str(tmp_path), "--seconds", str(SECONDS), "--seed", SEED],
        cwd=Path(__file__).parents[2],
        env=process_environment(get_settings()),
        capture_output=True,
        text=True,
        check=False,
    )
    record_property("figures", done.stdout)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-6000:]}"
