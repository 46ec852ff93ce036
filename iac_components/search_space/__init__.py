"""Search space: its operations and cells, and the genotype.

A :class:`SearchSpace` lists edges and operations. :class:`SearchCell` holds all of them at once,
weighted by :class:`ArchitectureParameters`; :func:`discretize` turns those weights into a
:class:`Genotype`, which :class:`DiscreteCell` builds as an ordinary module.
"""

from __future__ import annotations

from iac_components.search_space.architecture import ArchitectureParameters, CellWeights
from iac_components.search_space.cells.discrete_cell import DiscreteCell
from iac_components.search_space.cells.mixed_operation import MixedOperation
from iac_components.search_space.cells.operations import (
    build_operation,
    register_operation,
    registered_operations,
)
from iac_components.search_space.cells.search_cell import SearchCell, WeightSlot
from iac_components.search_space.discretization import (
    INPUTS_PER_NODE,
    discretize,
    edge_scores,
    random_genotype,
)
from iac_components.search_space.genotype import (
    TREATMENTS,
    Genotype,
    GenotypeError,
    KeptEdge,
    NodeGenotype,
    Treatment,
)
from iac_components.search_space.genotype_file import (
    SCHEMA_VERSION,
    load_genotype,
    parse_genotype,
    save_genotype,
)
from iac_components.search_space.space import (
    CELL_INPUTS,
    DEFAULT_OPERATIONS,
    NONE_OPERATION,
    SITES,
    Edge,
    SearchSpace,
)

__all__ = [
    "CELL_INPUTS",
    "DEFAULT_OPERATIONS",
    "INPUTS_PER_NODE",
    "NONE_OPERATION",
    "SCHEMA_VERSION",
    "SITES",
    "TREATMENTS",
    "ArchitectureParameters",
    "CellWeights",
    "DiscreteCell",
    "Edge",
    "Genotype",
    "GenotypeError",
    "KeptEdge",
    "MixedOperation",
    "NodeGenotype",
    "SearchCell",
    "SearchSpace",
    "Treatment",
    "WeightSlot",
    "build_operation",
    "discretize",
    "edge_scores",
    "load_genotype",
    "parse_genotype",
    "random_genotype",
    "register_operation",
    "registered_operations",
    "save_genotype",
]
