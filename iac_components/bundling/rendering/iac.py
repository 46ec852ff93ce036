"""Implantable adaptive cells: a data set with a backbone that sees slices or volumes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, cast

from monai.bundle import ConfigParser

from iac_components.bundling.rendering.combination import Combination, substitute
from iac_components.bundling.rendering.facts import (
    BUNDLES,
    DECATHLON,
    DINTS,
    IAC,
    VOLUMES,
    BackboneSource,
    DatasetSource,
    Facts,
    known,
    load_backbone,
    load_dataset,
    load_task,
    no_cell_note,
    read_json,
)
from iac_components.networks import pad_for_nnunet, plan_nnunet

__all__ = ["IacCombination", "iac_combinations"]

NETWORK_KEY = "backbone_def"

EVERY_TASK = "nnunet3d"
"""Backbone of volumes that all tasks of the Decathlon are rendered with."""

OWN_DATA_ONLY = ("swinunetr3d",)
"""Backbones of volumes that the collection has no bundles of; they are planned for own data."""

OF_SLICES = {"field_of_view": None, "empty_fraction": "patches_per_volume", "channels_last": None}
"""Keys that networks of volumes do not have, and what takes their place."""

OF_VOLUMES = {
    "search": (
        "patches_per_volume",
        "network",
        "audit::items",
        "train::preprocessing",
        "train::augmentation",
        "train::dataset",
        "train::architecture_dataset",
    ),
    "train": (
        "patches_per_volume",
        "train::preprocessing",
        "train::augmentation",
        "train::dataset",
        "validate::inferer",
    ),
    "inference": ("network", "inferer"),
}
"""Parts of a stage's config in which networks of volumes differ from those of slices."""


@dataclass(frozen=True)
class IacCombination(Combination):
    """A data set with a backbone that sees slices.

    Attributes:
        view: what the network sees, by its name in the sources.
    """

    dataset: DatasetSource
    backbone: BackboneSource
    bundles: Path = BUNDLES

    method: ClassVar[str] = "iac"
    schema: ClassVar[str] = "iac"
    view: ClassVar[str] = "slices"
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

    @property
    def is_planned(self) -> bool:
        """True if the patch shapes the network, by nnU-Net's rules."""
        return "plan" in cast(Facts, self.backbone.config["definition"])

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
        if not self.is_planned:
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

    @property
    def ships_plain_weights(self) -> bool:
        """True if the weights that the inference bundle ships are of the backbone alone."""
        record = self.weights_record
        return record.exists() and read_json(record).get("skip_module", "iac") == "plain"

    def shipped_architecture(self, stage: str) -> Path:
        """Return the genotype of a stage; weights without a cell come with one of no cell."""
        if stage == "inference" and self.ships_plain_weights:
            return self.no_cell
        return super().shipped_architecture(stage)

    @property
    def no_cell(self) -> Path:
        """The genotype without a cell that goes with weights of the plain network."""
        return self.sources / "no_cell" / f"{self.name}.json"

    def network_note(self) -> str:
        """Return what lies in the skip connections of the inference bundle, for its README."""
        if not self.ships_plain_weights:
            return (
                "whose skip connections hold found cells. The shipped `genotype.json` "
                f"{self.architecture_note()}"
            )
        return no_cell_note(self.no_cell)

    def extra_templates(self, stage: str) -> Sequence[Path]:
        """Return those of every method, and the backbone's own, or shared, override files."""
        name = str(self.backbone.words.get("overrides", self.backbone.name))
        own = self.sources / "overrides" / name / stage
        return (*super().extra_templates(stage), *sorted(own.glob("*.json")))

    def architecture_source(self) -> Path:
        """Return the genotype of this data set and backbone if one was found, else of another.

        The next best is the same backbone's on hippocampus (the open data set), then the U-Net's.
        """
        folder = self.sources / "genotypes"
        names = (self.name, f"hippocampus_{self.backbone.name}")
        found = (path for name in names if (path := folder / f"{name}.json").exists())
        return next(found, self.stand_in)

    @property
    def stand_in(self) -> Path:
        """The genotype that is shipped where none was found."""
        return self.sources / "genotypes" / "hippocampus_unet.json"

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

    def patch_text(self) -> str:
        """Return the size of a patch in words."""
        patch = cast(list[int], self.sizes()["patch_size"])
        return f"{patch[0]} x {patch[1]} pixels of {self.dataset.words['slice_text']}"

    def words(self, stage: str) -> Facts:
        """Those of every method, the backbone's, and those on what it sees."""
        views = read_json(self.sources / "views.json")[self.view]
        return {
            **self.backbone.words,
            **super().words(stage),
            **cast(Facts, substitute(views, {"patch": self.patch_text()})),
            "backbone": self.backbone.name,
            "network_note": self.network_note(),
        }


@dataclass(frozen=True)
class VolumeCombination(IacCombination):
    """A data set with a backbone that sees volumes.

    What becomes of volumes stands in the templates of DiNTS, and is taken from there.
    """

    schema: ClassVar[str] = "iac_3d"
    view: ClassVar[str] = "volumes"
    changelog: ClassVar[str] = "volumes"

    @property
    def stand_in(self) -> Path:
        """The genotype that is shipped where none was found; nobody searched it."""
        return VOLUMES / "stand_in.json"

    def architecture_note(self) -> str:
        """Return a sentence on the origin of the shipped genotype."""
        if self.provenance()["kind"] != "stand-in":
            return super().architecture_note()
        return (
            "is a stand-in that nobody searched: one node, a separable 3 x 3 x 3 convolution of "
            "the skip and the decoder's feature as it is. Search your own with the search bundle"
        )

    def sizes(self) -> Facts:
        """Patch, rounded up to what the backbone can halve."""
        patch = cast(list[int], self.dataset.config["patch_size"])
        if self.is_planned:
            spacing = cast(list[float], self.dataset.config["pixdim"])
            return {"patch_size": pad_for_nnunet(patch, spacing=spacing)}
        divisor = int(cast(int, self.backbone.words["size_divisor"]))
        return {"patch_size": [-(-size // divisor) * divisor for size in patch]}

    def facts(self) -> Sequence[Facts]:
        """Those of all networks of volumes first."""
        return (read_json(VOLUMES / "stages.json"), *super().facts())

    def spatial_shape(self) -> list[str]:
        """Two voxels a side are left at the bottom: one cannot be normalised."""
        divisor = [int(cast(int, self.backbone.words["size_divisor"]))] * 3
        if self.is_planned:
            spacing = cast(list[float], self.dataset.config["pixdim"])
            patch = cast(list[int], self.sizes()["patch_size"])
            divisor = list(plan_nnunet(patch, spacing=spacing).divisor)
        return [f"{2 * step}*n" for step in divisor]

    def template(self, path: Path) -> Facts:
        """Load a template with patches of volumes instead of slices."""
        content = super().template(path)
        stage = path.parent.name
        if path != self.stage_template(stage):
            return content
        donor = ConfigParser(read_json(DINTS / stage / path.name))
        names = {key: OF_SLICES.get(key, key) for key in content}
        filled = ConfigParser({name: content[key] for key, name in names.items() if name})
        for part in OF_VOLUMES[stage]:
            filled[part] = donor[part]
        return cast(Facts, filled.get())

    def patch_text(self) -> str:
        """Return the size of a patch in words."""
        patch = cast(list[int], self.sizes()["patch_size"])
        spacing = cast(list[float], self.dataset.config["pixdim"])
        voxels, size = (" x ".join(f"{side:g}" for side in sides) for sides in (patch, spacing))
        return f"{voxels} voxels of {size} mm"


def iac_combinations() -> list[IacCombination]:
    """Every data set with every backbone of slices, and the Decathlon's tasks with 3-D ones.

    All of the latter see hippocampus, which is at hand, and one of them the other tasks; but for
    those of own data only.
    """
    tasks = known(DECATHLON / "tasks")
    return [
        *(
            IacCombination(load_dataset(dataset), load_backbone(backbone))
            for dataset, backbone in itertools.product(
                known(IAC / "datasets"), known(IAC / "backbones")
            )
        ),
        *(
            VolumeCombination(load_task(task, method=VOLUMES), load_backbone(backbone))
            for task, backbone in itertools.product(tasks, known(VOLUMES / "backbones"))
            if backbone == EVERY_TASK or (task == "hippocampus" and backbone not in OWN_DATA_ONLY)
        ),
    ]
