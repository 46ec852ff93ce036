#!/usr/bin/env bash
# Builds the documentation into build/site; a warning is an error. Arguments go to mkdocs build.
cd "$(dirname "$0")/../.."
source tools/environment/setup_env.sh
setup_env requirements.txt tools/environment/requirements-dev.txt tools/environment/requirements-docs.txt
exec .venv/bin/python -m mkdocs build --strict --config-file tools/docs/mkdocs.yml "$@"
