"""Description of a method for the checks: its names, files, budgets and stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from iac_components.common.registry import Registry

if TYPE_CHECKING:
    from tools.maintenance.verification.budgets import Budget, Phantom
    from tools.maintenance.verification.bundle import Bundle
    from tools.maintenance.verification.chain import Chain
    from tools.maintenance.verification.workbench import Workbench

__all__ = ["METHODS", "Method"]


@dataclass(frozen=True)
class Method:
    """A way to find a network, with bundles ``<combination>_<name>_segmentation_<stage>``.

    Attributes:
        name: short name, that of the options of its configs.
        word: what its bundles' names hold.
        ending: end of its networks' names, where another method has the same word.
        pattern: what a combination is called, for messages.
        split: combination to data set and network.
        identity: what config and provenance say of a bundle, by the provenance's keys.
        architecture_file: what a search finds.
        architecture_option: the option that leads to it.
        read_provenance: of such a file.
        shipped_kinds: kinds of provenance that a bundle may ship.
        shared_keys: keys that are equal in the configs of all stages.
        landmarks: keys of the network's part of a stage's config, in their order.
        readme_outputs: files that a stage's README names.
        budgets: name to budget.
        phantoms: data set to its phantom.
        make_chain: the stages of a combination.
    """

    name: str
    pattern: str
    split: Callable[[str], tuple[str, str]]
    identity: Callable[[Bundle], Mapping[str, str]]
    architecture_file: str
    architecture_option: str
    read_provenance: Callable[[Path], Mapping[str, object]]
    shipped_kinds: Sequence[str]
    shared_keys: Sequence[str]
    landmarks: Mapping[str, str]
    readme_outputs: Mapping[str, Sequence[str]]
    budgets: Mapping[str, Budget]
    phantoms: Mapping[str, Phantom]
    make_chain: Callable[[Bundle, Workbench, Path], Chain]
    word: str
    ending: str = ""

    @property
    def mark(self) -> str:
        """The middle of the bundles' names."""
        return f"_{self.word}_segmentation_"

    def owns(self, name: str) -> bool:
        """Tell whether a bundle's name is one of this method's."""
        return f"{self.ending}{self.mark}" in name


METHODS: Registry[Method] = Registry("method")
