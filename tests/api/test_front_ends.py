"""The front ends' types are those of the API as it is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cli.openapi import document

DESK = Path(__file__).parents[2] / "desk"
GENERATOR = DESK / "node_modules" / ".bin" / "openapi-typescript"


@pytest.mark.skipif(shutil.which("node") is None or not GENERATOR.exists(), reason="`make desk` brings the generator")
def test_the_desks_types_are_not_stale(tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(document())
    subprocess.run(
        [GENERATOR, tmp_path / "openapi.json", "-o", tmp_path / "schema.d.ts"], check=True, capture_output=True
    )
    assert (tmp_path / "schema.d.ts").read_text() == (DESK / "src/api/schema.d.ts").read_text(), "run `make types`"
