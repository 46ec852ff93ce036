"""Implantable adaptive cells for the skip connections of U-shaped segmentation networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iac_components.interface.api import (
        AdaptableNetwork,
        Adapter,
        Data,
        DintsArchitecture,
        Evaluation,
        Genotype,
        Part,
        Recipe,
        adapt,
        apply_adapter,
        build_dints_network,
        evaluate,
        implant,
        load_adapter,
        load_architecture,
        load_dataset,
        load_genotype,
        plot,
        predict,
        register_fusion_block,
        register_operation,
        save_genotype,
        search_cell,
        search_topology,
        train,
    )

__version__ = "0.5.0"

# Configs of bundles name modules whose code lies deeper; those of old bundles must find them, too.
__path__.append(f"{__path__[0]}/common/config_names")

__all__ = [
    "AdaptableNetwork",
    "Adapter",
    "Data",
    "DintsArchitecture",
    "Evaluation",
    "Genotype",
    "Part",
    "Recipe",
    "__version__",
    "adapt",
    "apply_adapter",
    "build_dints_network",
    "evaluate",
    "implant",
    "load_adapter",
    "load_architecture",
    "load_dataset",
    "load_genotype",
    "plot",
    "predict",
    "register_fusion_block",
    "register_operation",
    "save_genotype",
    "search_cell",
    "search_topology",
    "train",
]


def __getattr__(name: str) -> object:
    """Load the Python interface when the first of its names is asked for.

    Raises:
        AttributeError: if it has no such name.
    """
    # Dunders are asked for by every tool that looks at a module.
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from iac_components.interface import api

    value: object = getattr(api, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
