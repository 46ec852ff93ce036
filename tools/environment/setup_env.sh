#!/usr/bin/env bash
# Makes .venv with the pinned requirements; sourced by demo.sh, docs/build.sh and test.sh. Runs from the repository root.
# IAC_PYTHON chooses the interpreter (default python3, 3.10 or newer).

set -euo pipefail

setup_env() {
    local stamp=.venv/.requirements wanted
    wanted=$(cat "$@" pyproject.toml | cksum)
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return
    fi
    local python=${IAC_PYTHON:-python3}
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
        echo "error: $("$python" --version) is too old: install Python 3.10 or newer, or name one with IAC_PYTHON." >&2
        exit 1
    }
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    # torch first and alone: with it installed, no other package pulls a build of its own choice.
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "$(grep '^torch==' requirements.txt)"
    local file
    for file in "$@"; do
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$file"
    done
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
    echo "$wanted" >"$stamp"
}
