"""Keys that MONAI and its clients put into a config by rule, with the source of each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["CLIENT_KEYS", "TRACKING_KEYS", "WORKFLOW_KEYS"]

CLIENT_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "_meta_": "ConfigParser.read_meta: the metadata, beside the config",
        "_desc_": "the config's grammar: a comment",
        "bundle_root": "MONAI Label (tasks/train/bundle.py), MonaiAlgo (fl/client/monai_algo.py)",
        "device": "MONAI Label (tasks/train/bundle.py)",
        "displayable_configs": "MONAI Label (tasks/infer/bundle.py)",
    }
)
"""Allowed in every run, whatever its files define."""

TRACKING_KEYS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        ("tracking_uri", "experiment_name", "run_name", "save_execute_config", "is_not_rank0"),
        "ConfigWorkflow.patch_bundle_tracking (bundle/workflows.py), for --tracking",
    )
)
"""Allowed with ``--tracking``, whose handlers read them; MONAI Label passes some of them on. A file
of settings may define more: they are known by the handlers that refer to them. MonaiAlgo
(fl/client/monai_algo.py), which makes its workflow itself, sets ``run_name`` with tracking or
without."""

WORKFLOW_KEYS = (
    "config_file",
    "meta_file",
    "logging_file",
    "init_id",
    "run_id",
    "final_id",
    "tracking",
    "workflow_type",
    "workflow_name",
    "properties_path",
)
"""Arguments of ``create_workflow`` and ``ConfigWorkflow.__init__`` (bundle/workflows.py), which are
taken away before what is left is put into the config. Another client may leave them in."""
