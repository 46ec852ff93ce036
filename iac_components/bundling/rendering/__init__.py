"""Methods that bundles are rendered for, and the parts of their combinations.

A method is a registered function that lists its combinations; a new one is a module here and a
folder of templates in ``sources``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from iac_components.bundling.rendering.combination import Combination
from iac_components.bundling.rendering.dints import DintsCombination, dints_combinations
from iac_components.bundling.rendering.iac import (
    IacCombination,
    VolumeCombination,
    iac_combinations,
)
from iac_components.common.registry import Registry

__all__ = [
    "METHODS",
    "DintsCombination",
    "IacCombination",
    "VolumeCombination",
    "all_combinations",
]

METHODS: Registry[Callable[[], Sequence[Combination]]] = Registry("method")
METHODS.register(IacCombination.method)(iac_combinations)
METHODS.register(DintsCombination.method)(dints_combinations)


def all_combinations() -> list[Combination]:
    """Return the combinations of every method."""
    return [combination for name in METHODS for combination in METHODS.require(name)()]
