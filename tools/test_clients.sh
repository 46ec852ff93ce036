#!/usr/bin/env bash
# Makes an environment for each client that is named (all, if none is) and runs its tests in it.
# Usage: bash tools/test_clients.sh [nnunet ...]
# A client is a function below, with a file of pins beside this one and tests that skip where it is
# not installed. IAC_PYTHON chooses the interpreter (default python3, 3.10 or newer).
cd "$(dirname "$0")/.."
set -euo pipefail

CLIENTS=(nnunet)

# environment NAME: build/clients/NAME with torch, the package's pins and pytest, made anew if pins
# have changed; the client's own pins are then still to be installed (fresh=yes), and it to be marked
# as ready.
environment() {
    home=build/clients/$1
    wanted=$(cat requirements.txt tools/requirements-dev.txt "tools/requirements-$1.txt" pyproject.toml | cksum)
    if [ -f "$home/.requirements" ] && [ "$(cat "$home/.requirements")" = "$wanted" ]; then
        fresh=no
        return
    fi
    fresh=yes
    rm -rf "$home"
    "${IAC_PYTHON:-python3}" -m venv "$home"
    # torch first and alone: with it installed, no other package pulls a build of its own choice.
    install "$(grep '^torch==' requirements.txt)"
    install -r requirements.txt
    grep -E '^(pytest|hypothesis)' tools/requirements-dev.txt >"$home/test.txt"
    install -r "$home/test.txt"
    install --no-deps -e .
}

install() {
    "$home/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

ready() {
    echo "$wanted" >"$home/.requirements"
}

run_tests() {
    OMP_NUM_THREADS=1 OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}" "$home/bin/python" -m pytest "$@"
}

nnunet() {
    environment nnunet
    if [ $fresh = yes ]; then
        install --no-deps -r tools/requirements-nnunet.txt
        ready
    fi
    run_tests tests/nnunet
}

for client in "${@:-${CLIENTS[@]}}"; do
    case " ${CLIENTS[*]} " in
    *" $client "*) ;;
    *)
        echo "error: client '$client' is unknown. Known: ${CLIENTS[*]}." >&2
        exit 2
        ;;
    esac
done

failed=()
for client in "${@:-${CLIENTS[@]}}"; do
    echo "== $client"
    # In a shell of its own, where an error ends it.
    bash -c "$(declare -f environment install ready run_tests "$client"); set -euo pipefail; $client" ||
        failed+=("$client")
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]}" >&2
    exit 1
fi
