#!/usr/bin/env bash
# One command from a fresh clone to a found cell: set-up, then `iac demo` with the arguments given.
#   bash tools/demo.sh
#   bash tools/demo.sh --bundle hippocampus_unet --dataset_dir DIR
cd "$(dirname "$0")/.."
source tools/environment/setup_env.sh
setup_env requirements.txt
exec .venv/bin/python -m iac_components demo "$@"
