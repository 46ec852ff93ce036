"""Components that all bundles' configs share: root, device, session, data, result.

A config is one self-contained file that clients of MONAI read on its own. What every one of them
would repeat stands here, under names that a config refers to by ``_target_``. What a search leaves
(``result``) is imported by itself, since it draws pictures.
"""

from __future__ import annotations

from iac_components.configs.bundle_root import find_bundle_root
from iac_components.configs.device import pick_device
from iac_components.configs.fold_networks import build_fold_networks
from iac_components.configs.kept_components import keep_largest
from iac_components.configs.session import Session
from iac_components.configs.settings import search_settings
from iac_components.configs.trained_weights import load_trained

__all__ = [
    "Session",
    "build_fold_networks",
    "find_bundle_root",
    "keep_largest",
    "load_trained",
    "pick_device",
    "search_settings",
]
