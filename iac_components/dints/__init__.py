"""The search of 3-D network topologies (DiNTS, arXiv 2103.15954) under a memory budget.

:class:`DintsSearchNetwork` holds every path and operation of a :class:`DintsSpace`;
:class:`DintsSearchTrainer` trains weights and architecture in turn;
:class:`ArchitectureRegularizer` draws it towards a discrete, connected topology of the size that a
:class:`MemoryBudget` allows. Out comes a :class:`DintsArchitecture`, a JSON file that
:func:`build_dints_network` builds. The modules and weights are MONAI's own.
"""

from __future__ import annotations

from iac_components.dints.decoding import BudgetError, decode
from iac_components.dints.memory_model import MemoryBudget, MemoryModel, memory_budget
from iac_components.dints.objective import ArchitectureRegularizer
from iac_components.dints.searching.found_architecture import (
    BestArchitecture,
    save_found_architecture,
)
from iac_components.dints.searching.path_pruning_handler import DintsPruningHandler
from iac_components.dints.searching.plan_topology_audit import plan_topology_audit
from iac_components.dints.searching.search_summary import SearchSummary
from iac_components.dints.searching.topology_audit import TopologyAudit
from iac_components.dints.searching.topology_criteria import (
    TopologyAuditHandler,
    build_topology_audit,
    topology_pruning_handler,
)
from iac_components.dints.searching.topology_trainer import DintsSearchTrainer
from iac_components.dints.topology import (
    ActivePath,
    ArchitectureError,
    DintsArchitecture,
    load_architecture,
    parse_architecture,
    save_architecture,
)
from iac_components.dints.topology_grid import DintsSpace
from iac_components.dints.topology_network import DintsNetwork, build_dints_network
from iac_components.dints.topology_supernet import DintsSearchNetwork
from iac_components.networks import saved_bytes

__all__ = [
    "ActivePath",
    "ArchitectureError",
    "ArchitectureRegularizer",
    "BestArchitecture",
    "BudgetError",
    "DintsArchitecture",
    "DintsNetwork",
    "DintsPruningHandler",
    "DintsSearchNetwork",
    "DintsSearchTrainer",
    "DintsSpace",
    "MemoryBudget",
    "MemoryModel",
    "SearchSummary",
    "TopologyAudit",
    "TopologyAuditHandler",
    "build_dints_network",
    "build_topology_audit",
    "decode",
    "load_architecture",
    "memory_budget",
    "parse_architecture",
    "plan_topology_audit",
    "save_architecture",
    "save_found_architecture",
    "saved_bytes",
    "topology_pruning_handler",
]
