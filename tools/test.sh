#!/usr/bin/env bash
# Set-up, then ruff, mypy and pytest: what CI runs. Arguments go to pytest.
# The studies' tests alone: .venv/bin/python -m pytest studies/tests
cd "$(dirname "$0")/.."
source tools/environment/setup_env.sh
setup_env requirements.txt tools/environment/requirements-dev.txt tools/environment/requirements-docs.txt

.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
.venv/bin/python tools/render_bundles.py --check
# One thread a process and a process a core: small convolutions do not speed up with threads.
OMP_NUM_THREADS=1 OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}" MONAI_FAIL_ON_DUPLICATE_CONFIG=1 \
    .venv/bin/python -m pytest -n "${IAC_TEST_PROCESSES:-2}" --dist loadfile "$@"
