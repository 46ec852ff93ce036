"""Implantable adaptive cells: a data set with a backbone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, cast

from iac_components.bundling.rendering.combination import Combination
from iac_components.bundling.rendering.facts import (
    BUNDLES,
    IAC,
    BackboneSource,
    DatasetSource,
    Facts,
    known,
    load_backbone,
    load_dataset,
)
from iac_components.networks import plan_nnunet

__all__ = ["IacCombination", "iac_combinations"]

NETWORK_KEY = "backbone_def"


@dataclass(frozen=True)
class IacCombination(Combination):
    """A data set with a backbone."""

    dataset: DatasetSource
    backbone: BackboneSource
    bundles: Path = BUNDLES

    method: ClassVar[str] = "iac"
    sources: ClassVar[Path] = IAC
    architecture_file: ClassVar[str] = "genotype.json"
    required: ClassVar[Sequence[str]] = ("dataset_name", "backbone", NETWORK_KEY)

    def placed(self, folder: Path) -> IacCombination:
        """See :class:`Combination`."""
        return replace(self, bundles=folder)

    @property
    def name(self) -> str:
        """Data set and backbone in one word."""
        return f"{self.dataset.name}_{self.backbone.name}"

    def sizes(self) -> Facts:
        """Field of view and patch, rounded up to what the backbone can halve."""
        divisor = int(cast(int, self.backbone.words["size_divisor"]))
        sizes: Facts = {}
        for key in ("field_of_view", "patch_size"):
            given = cast(list[int], self.dataset.config[key])
            sizes[key] = [size if size < 0 else -(-size // divisor) * divisor for size in given]
        return sizes

    def facts(self) -> Sequence[Facts]:
        """Those of the data set, its sizes rounded, and those of the backbone."""
        return (self.dataset.config, self.sizes(), self.backbone.config)

    def spatial_multiple(self) -> int:
        """Return the divisor of a slice's sides, with a bottom level larger than one pixel."""
        if "plan" not in cast(Facts, self.backbone.config["definition"]):
            return max(32, int(cast(int, self.backbone.words["size_divisor"])))
        patch = cast(list[int], self.sizes()["patch_size"])
        spacing = [abs(size) for size in cast(list[float], self.dataset.config["pixdim"])[:2]]
        return 2 * max(plan_nnunet(patch, spacing=spacing).divisor)

    def spatial_shape(self) -> list[str]:
        """Return a slice's sizes."""
        return [f"{self.spatial_multiple()}*n"] * 2

    def template(self, path: Path) -> Facts:
        """Load a template with the backbone's keys instead of its placeholder."""
        content: Facts = {}
        definition = cast(Facts, self.backbone.config["definition"])
        for key, value in super().template(path).items():
            content.update(definition if key == NETWORK_KEY else {key: value})
        return content

    def extra_templates(self, stage: str) -> Sequence[Path]:
        """Return those of every method, and the backbone's own override files."""
        own = self.sources / "overrides" / self.backbone.name / stage
        return (*super().extra_templates(stage), *sorted(own.glob("*.json")))

    def architecture_source(self) -> Path:
        """Return the genotype of this data set and backbone if one was found, else of another.

        The next best is the same backbone's on hippocampus (the open data set), then the U-Net's.
        """
        folder = self.sources / "genotypes"
        names = (self.name, f"hippocampus_{self.backbone.name}", "hippocampus_unet")
        return next(path for name in names if (path := folder / f"{name}.json").exists())

    def architecture_note(self) -> str:
        """Return a sentence on the origin of the shipped genotype."""
        settings = cast(Facts, self.provenance()["settings"])
        found = (settings["dataset"], settings["backbone"])
        search = f"{self.search_note()}. Search your own with the search bundle"
        if found == (self.dataset.name, self.backbone.name):
            return f"was found on this data set by {search}"
        return (
            f"is a stand-in: it was found on `{found[0]}` with the backbone `{found[1]}` by "
            f"{search}"
        )

    def words(self, stage: str) -> Facts:
        """Those of every method, and the backbone's."""
        patch = cast(list[int], self.sizes()["patch_size"])
        return {
            **self.backbone.words,
            **super().words(stage),
            "backbone": self.backbone.name,
            "patch": f"{patch[0]} x {patch[1]} pixels of {self.dataset.words['slice_text']}",
        }


def iac_combinations() -> list[IacCombination]:
    """Every data set with every backbone."""
    return [
        IacCombination(load_dataset(dataset), load_backbone(backbone))
        for dataset, backbone in itertools.product(
            known(IAC / "datasets"), known(IAC / "backbones")
        )
    ]
