#!/usr/bin/env bash
# Makes an environment for each client that is named (all, if none is) and runs its tests in it.
# Usage: bash tools/test_clients.sh [nnunet|nvflare|tracking|deploy|label|slurm|oldest ...]
# A client is a function below, with a file of pins in tools/clients and tests that skip where it is not
# installed. IAC_PYTHON chooses the interpreter (default python3, 3.10 or newer; 3.11 for nvflare).
# Real volumes: IAC_SHARED names the folder whose data/ holds Task04_Hippocampus.
cd "$(dirname "$0")/.."
set -euo pipefail

CLIENTS=(nnunet nvflare tracking deploy label slurm oldest)

# environment NAME [PINS]: build/clients/NAME with torch, the package's pins (or others) and pytest,
# made again if pins have changed; the client's own pins are then still to be installed (fresh=yes),
# and it to be marked as ready.
environment() {
    home=build/clients/$1
    local pins=${2:-requirements.txt}
    # slurm has no pins of its own.
    wanted=$({
        cat requirements.txt tools/environment/requirements-dev.txt pyproject.toml
        [ ! -f "tools/clients/$1.txt" ] || cat "tools/clients/$1.txt"
    } | cksum)
    if [ -f "$home/.requirements" ] && [ "$(cat "$home/.requirements")" = "$wanted" ]; then
        fresh=no
        return
    fi
    fresh=yes
    rm -rf "$home"
    "${IAC_PYTHON:-python3}" -m venv "$home"
    # torch first and alone: with it installed, no other package pulls a build of its own choice.
    install "$(grep '^torch==' "$pins")"
    install -r "$pins"
    grep -E '^(pytest|hypothesis)' tools/environment/requirements-dev.txt >"$home/test.txt"
    install -r "$home/test.txt"
}

install() {
    "$home/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

# client NAME: its environment, with its pins and the package.
client() {
    environment "$1"
    if [ $fresh = yes ]; then
        install --no-deps -r "tools/clients/$1.txt"
        install --no-deps -e .
        ready
    fi
}

ready() {
    echo "$wanted" >"$home/.requirements"
}

run_tests() {
    OMP_NUM_THREADS=1 OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}" "$home/bin/python" -m pytest "$@"
}

nnunet() {
    client nnunet
    run_tests tests/clients/nnunet
}

nvflare() {
    client nvflare
    run_tests tests/clients/installed/test_nvflare.py
}

# MLflow and TensorBoard.
tracking() {
    client tracking
    run_tests tests/clients/ecosystem/test_tracking.py
}

# Without the package, so that a zip's folder can show that it needs none.
deploy() {
    environment deploy
    if [ $fresh = yes ]; then
        install --no-deps -r tools/clients/deploy.txt
        ready
    fi
    run_tests tests/clients/installed/test_deploy.py
}

label() {
    client label
    run_tests tests/clients/installed/test_label.py
}

slurm() {
    if [ ! -x /usr/sbin/slurmctld ]; then
        echo "error: Slurm is not installed: apt-get install slurm-wlm (Debian), as root." >&2
        return 1
    fi
    environment slurm
    if [ $fresh = yes ]; then
        install --no-deps -e .
        ready
    fi
    IAC_TEST_SLURM=1 run_tests tests/clients/installed/test_slurm.py
}

# What users may have: the lowest versions that pyproject.toml allows.
oldest() {
    environment oldest tools/clients/oldest.txt
    if [ $fresh = yes ]; then
        install --no-deps -e .
        ready
    fi
    run_tests tests/interface/api tests/bundles/collection/test_chain.py tests/bundles/configs tests/method/networks tests/method/search_space
}

for name in "${@:-${CLIENTS[@]}}"; do
    case " ${CLIENTS[*]} " in
    *" $name "*) ;;
    *)
        echo "error: client '$name' is unknown. Known: ${CLIENTS[*]}." >&2
        exit 2
        ;;
    esac
done

failed=()
for name in "${@:-${CLIENTS[@]}}"; do
    echo "== $name"
    # In a shell of its own, where an error ends it.
    bash -c "$(declare -f environment install client ready run_tests "$name"); set -euo pipefail; $name" ||
        failed+=("$name")
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]}" >&2
    exit 1
fi
