#!/bin/sh
# Makes .venv with exactly what uv.lock names. Needs a Python >= 3.11 and the package registry; installs uv by itself.
# Says each step; where something is missing, says what and how to get it.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.9
UV=.tools/uv-$UV_VERSION/bin/uv

say() { printf '%s\n' "$*" >&2; }

fail() {
    say ""
    for line in "$@"; do say "$line"; done
    exit 1
}

# Prints the real path of $1 if it runs and is new enough.
new_enough() {
    "$1" -c 'import os, sys; sys.version_info >= (3, 11) or sys.exit(1); print(os.path.realpath(sys.executable))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3.14 python3 python}; do
        new_enough "$candidate" && return
    done
    [ -z "${PYTHON:-}" ] || fail "PYTHON=$PYTHON does not run, or is older than 3.11."
    found=$(python3 --version 2>&1) || found="no python3 at all"
    fail "Python 3.11 or newer is needed; this machine has $found." \
        "  Debian 12, Ubuntu 24.04 and later:  apt install python3 python3-venv" \
        "  RHEL, Rocky, Alma 9:                dnf install python3.12 python3.12-pip" \
        "  If it lies elsewhere:               make PYTHON=/path/to/python3 ..."
}

# uv from the registry, by whichever of pip and venv this Python has; Debian packs both apart from it.
install_uv() {
    python=$1
    say "Installing uv $UV_VERSION into .tools/ ..."
    rm -rf ".tools/uv-$UV_VERSION"
    if "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m pip install --quiet --disable-pip-version-check --no-warn-script-location --root-user-action=ignore \
            --target ".tools/uv-$UV_VERSION" "uv==$UV_VERSION" || fail_download
        return
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        install_venv "$python"
    fi
    "$python" -m venv ".tools/uv-$UV_VERSION"
    ".tools/uv-$UV_VERSION/bin/pip" install --quiet --disable-pip-version-check "uv==$UV_VERSION" || fail_download
}

install_venv() {
    name=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing $name, which this Python lacks ..."
        export DEBIAN_FRONTEND=noninteractive
        mkdir -p .tools
        { apt-get update -q && apt-get install -y -q --no-install-recommends "$name"; } >.tools/apt.log 2>&1 && return
        tail -n 5 .tools/apt.log >&2
    fi
    fail "This Python ($1) has neither pip nor venv." \
        "  Debian, Ubuntu:  sudo apt install $name" \
        "and start again."
}

fail_download() {
    fail "The Python package registry could not be reached, or refused; its answer is above." \
        "Behind a mirror, pip's and uv's own settings apply (PIP_INDEX_URL, UV_DEFAULT_INDEX)."
}

python=$(find_python)
[ -x "$UV" ] || install_uv "$python"
say "Installing what uv.lock names into .venv/ ($("$python" --version)) ..."
# Authorities that this machine was told to trust (a company's proxy) count for uv too.
for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
    [ ! -s "$bundle" ] || export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
done
# No Python is downloaded, and no virtual environment that happens to be active is touched.
UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV='' "$UV" sync --frozen --quiet --python "$python" || fail_download
say "Ready."
