#!/usr/bin/env bash
# Builds the documentation into build/site; a warning is an error. Arguments go to mkdocs build.
cd "$(dirname "$0")/../.."
source tools/setup_env.sh
setup_env requirements.txt tools/requirements-dev.txt tools/requirements-docs.txt
exec .venv/bin/python -m mkdocs build --strict --config-file tools/docs/mkdocs.yml "$@"
