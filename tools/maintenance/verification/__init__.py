"""Checks of a bundle that ``tools/verify_bundles.py`` and the tests share.

Every check is a function registered by name that yields one line for each fault; it stands in one
place and is run by both. ``bundle`` reads a bundle's folder, ``workbench`` holds what running one
needs (a runner in this process or in others), ``methods`` what differs between the ways to find a
network (names, phantoms, budgets, stages), ``checks`` holds them, ``chain`` runs
the stages of a combination one after the other.
"""

from __future__ import annotations

# Importing a module registers its checks; the order is that of the table.
# isort: off
from tools.maintenance.verification import methods as methods
from tools.maintenance.verification.checks import check_files as check_files
from tools.maintenance.verification.checks import check_metadata as check_metadata
from tools.maintenance.verification.checks import check_configs as check_configs
from tools.maintenance.verification.checks import check_options as check_options
from tools.maintenance.verification.checks import check_overrides as check_overrides
from tools.maintenance.verification.checks import check_readme as check_readme
from tools.maintenance.verification.checks import check_weights as check_weights
from tools.maintenance.verification.checks import check_network as check_network
from tools.maintenance.verification.checks import check_run as check_run

# isort: on
from tools.maintenance.verification.bundle import Bundle, UnknownBundleError, find_bundles
from tools.maintenance.verification.checks.registry import CHECKS, Outcome, run_check
from tools.maintenance.verification.workbench import Workbench

__all__ = [
    "CHECKS",
    "Bundle",
    "Outcome",
    "UnknownBundleError",
    "Workbench",
    "find_bundles",
    "run_check",
]
