"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tortoise import Tortoise
from tortoise.migrations.autodetector import MigrationAutodetector

from kit import database

ROOT = Path(__file__).resolve().parents[1]
BELOW_SETTINGS = {
    "kit",
    "wechat",
    "delivery",
    "stewardship",
    "bot",
    "api",
    "scheduler",
    "cli",
    "demo",
    "server",
    "sandbox",
}


SHOWN = ("api", "bot", "cli", "delivery", "demo", "kit", "sandbox", "scheduler", "stewardship", "wechat")
"""Packages whose texts people read."""
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,:;?!](?! )|\([^()\n]*[\u4e00-\u9fff]|[\u4e00-\u9fff]\(")
"""A mark of the Latin script where the Chinese one belongs (GB/T 15834)."""
PATTERN = re.compile(r"^select |\(\?|[\\^|]|\[[^]]*\][+*?{]")
"""A regular expression, or SQL: its marks are its own."""
OPT_OUT = re.compile(r"# (?:noqa|type: ignore)(?P<codes>: [A-Z0-9, ]+|\[[a-z, -]+\])?(?P<reason>.*)")


def imported(path: Path) -> set[str]:
    """The packages that a module imports, by their first name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_settings_lie_below_everything() -> None:
    assert not imported(ROOT / "settings.py") & BELOW_SETTINGS


def test_only_composition_roots_import_the_server() -> None:
    for package in ("api", "bot", "scheduler", "stewardship", "delivery", "wechat", "kit", "sandbox"):
        for path in (ROOT / package).rglob("*.py"):
            assert "server" not in imported(path), path


async def test_no_migration_is_pending(orm: None) -> None:
    config = database.config("postgresql://steward@/steward")
    assert Tortoise.apps is not None
    pending = await MigrationAutodetector(Tortoise.apps, config["apps"]).changes()
    assert [str(operation) for writer in pending for operation in writer.operations] == []


@pytest.mark.parametrize("table", ["message", "delivery_attempt", "event", "inbox"])
async def test_what_grows_without_end_is_partitioned_by_month(db: None, table: str) -> None:
    kind = await database.fetchval("select relkind from pg_class where relname = $1", table)
    assert kind == b"p"
    parts = await database.fetchval("select count(*) from pg_inherits where inhparent = $1::regclass", table)
    assert parts >= 5


async def test_every_constraint_of_a_model_stands_in_the_database(db: None) -> None:
    rows = await database.fetch("select conname from pg_constraint where contype = 'u'")
    standing = {row["conname"] for row in rows}
    assert Tortoise.apps is not None
    models = [model for app in Tortoise.apps.values() for model in app.values()]
    named = {c.name for model in models for c in getattr(model.Meta, "constraints", ())}
    assert named
    assert named <= standing


def chinese_texts(path: Path) -> Iterator[tuple[int, str]]:
    """The string literals of a module, or of a front end's catalogue, with their lines; no docstrings, no patterns."""
    if path.suffix != ".py":
        for number, line in enumerate(path.read_text().splitlines(), 1):
            yield from ((number, text) for text in re.findall(r'"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`', line))
        return
    tree = ast.parse(path.read_text())
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.lineno, node.value


def test_chinese_texts_have_chinese_punctuation() -> None:
    front_ends = [ROOT / "desk" / "src" / "texts.ts", *(ROOT / "desk" / "src" / "texts").glob("*.ts")]
    modules = [path for package in SHOWN for path in (ROOT / package).rglob("*.py")]
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {text}"
        for path in [*front_ends, *modules]
        for number, text in chinese_texts(path)
        if HALF_WIDTH.search(text) and not PATTERN.search(text)
    ]
    assert wrong == []


def test_every_opt_out_names_what_it_allows_and_states_its_reason() -> None:
    sources = [path for path in ROOT.glob("*/**/*.py") if not path.relative_to(ROOT).parts[0].startswith(".")]
    modules = [path for path in [*ROOT.glob("*.py"), *sources] if "node_modules" not in path.parts]
    found = [
        (f"{path.relative_to(ROOT)}:{number}: {line.strip()}", match)
        for path in modules
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (match := OPT_OUT.search(line))
    ]
    assert found
    assert [where for where, match in found if not match["codes"] or not match["reason"].strip(" #—-")] == []
