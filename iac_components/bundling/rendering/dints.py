"""DiNTS: a data set of volumes alone, since the search makes the whole network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, cast

from iac_components.bundling.rendering.combination import Combination
from iac_components.bundling.rendering.facts import (
    BUNDLES,
    DECATHLON,
    DINTS,
    DatasetSource,
    Facts,
    known,
    load_task,
    read_json,
)

__all__ = ["DintsCombination", "dints_combinations"]


@dataclass(frozen=True)
class DintsCombination(Combination):
    """A data set of volumes: a task of the Decathlon, or a user's own."""

    dataset: DatasetSource
    bundles: Path = BUNDLES

    method: ClassVar[str] = "dints"
    schema: ClassVar[str] = "dints"
    sources: ClassVar[Path] = DINTS
    architecture_file: ClassVar[str] = "architecture.json"
    required: ClassVar[Sequence[str]] = ("dataset_name", "class_names", "pixdim", "patch_size")

    def placed(self, folder: Path) -> DintsCombination:
        """See :class:`Combination`."""
        return replace(self, bundles=folder)

    @property
    def name(self) -> str:
        """The data set."""
        return self.dataset.name

    @property
    def short_name(self) -> str:
        """With the method: cells are searched on hippocampus as well."""
        return f"{self.name}_{self.method}"

    def facts(self) -> Sequence[Facts]:
        """Those of the data set."""
        return (self.dataset.config,)

    def spatial_shape(self) -> list[str]:
        """Two voxels a side are left at the coarsest depth: one cannot be normalised."""
        space = cast(Facts, read_json(self.architecture_source())["search_space"])
        halvings = int(cast(int, space["num_depths"])) - 1 + bool(space["use_downsample"])
        return [f"{2 ** (halvings + 1)}*n"] * 3

    def architecture_source(self) -> Path:
        """Return the data set's own architecture, else a plain one of as many resolutions."""
        own = self.sources / "architectures" / f"{self.name}.json"
        return own if own.exists() else self.sources / "stand_ins" / f"depths_{self.depths}.json"

    @property
    def depths(self) -> int:
        """Resolutions of the space that is searched."""
        stages = cast(Mapping[str, Facts], self.dataset.config.get("by_stage", {"search": {}}))
        template = read_json(self.stage_template("search"))
        return int(str(stages["search"].get("num_depths", template["num_depths"])))

    def architecture_note(self) -> str:
        """Return a sentence on the origin of the shipped architecture."""
        if self.provenance()["kind"] in ("searched", "undecided"):
            return (
                f"was found on this data set by {self.search_note()}. Search your own with the "
                "search bundle"
            )
        return (
            "is a stand-in: down to the coarsest resolution and up again, a 3 x 3 x 3 convolution "
            "a step, since no search was run on these data. Search your own with the search bundle"
        )

    def words(self, stage: str) -> Facts:
        """Those of every method, and the sizes of patches and voxels."""
        config = self.dataset.config
        return {
            **super().words(stage),
            "patch": " x ".join(map(str, cast(list[int], config["patch_size"]))),
            "spacing": " x ".join(f"{size:g}" for size in cast(list[float], config["pixdim"])),
        }


def dints_combinations() -> list[DintsCombination]:
    """Every task."""
    tasks = known(DECATHLON / "tasks")
    return [DintsCombination(load_task(task, method=DINTS)) for task in tasks]
