"""Settings of a table: data, backbone, shifts and recipes, from one JSON file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from monai.bundle import ConfigParser
from monai.transforms import Compose
from torch import nn

__all__ = ["Recipe", "TableSettings", "load_settings"]


@dataclass(frozen=True)
class Recipe:
    """A training of a fixed number of steps with AdamW, a linear warm-up and a cosine.

    Attributes:
        steps: weight steps.
        batch_size: slices a step.
        rate: highest learning rate.
        weight_decay: of AdamW.
        warmup_steps: steps in which the rate rises.
    """

    steps: int
    batch_size: int
    rate: float
    weight_decay: float
    warmup_steps: int


@dataclass(frozen=True)
class TableSettings:
    """All that decides a table's numbers, besides code and data.

    Attributes:
        name: of the data set, after its file.
        content: the file's JSON values.
    """

    name: str
    content: Mapping[str, object]

    @property
    def digest(self) -> str:
        """SHA-256 of the content: records of another recipe are told apart by it."""
        canonical = json.dumps(self.content, sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(canonical.encode("utf-8")).hexdigest()

    @property
    def layout(self) -> str:
        """Layout of the data set."""
        return str(self.content["layout"])

    @property
    def num_classes(self) -> int:
        """Classes with the background."""
        return self.integer("num_classes")

    @property
    def slice_shape(self) -> tuple[int, ...]:
        """(H, W) of all slices."""
        return tuple(cast(list[int], self.content["slice_shape"]))

    @property
    def shifts(self) -> tuple[str, ...]:
        """Names of the scanner shifts."""
        return tuple(self.section("shifts"))

    @property
    def configurations(self) -> int | None:
        """Number of configurations to train, from the first; None trains all."""
        return self.integer("configurations") if "configurations" in self.content else None

    def integer(self, key: str) -> int:
        """Return a whole number of the file."""
        return int(cast(int, self.content[key]))

    def number(self, key: str) -> float:
        """Return a number of the file."""
        return float(cast(float, self.content[key]))

    def section(self, key: str) -> Mapping[str, object]:
        """Return an object of the file."""
        return cast(Mapping[str, object], self.content[key])

    def recipe(self, key: str) -> Recipe:
        """Return ``backbone_training`` or ``cell_training``."""
        values = {k: v for k, v in self.section(key).items() if k != "seed"}
        return Recipe(**cast(dict[str, int], values))

    def backbone(self) -> nn.Module:
        """Build the backbone with fresh weights."""
        return cast(nn.Module, _resolve(self.content["backbone"]))

    def preprocessing(self) -> Compose:
        """Build the deterministic transforms of a volume."""
        return Compose(_resolve(self.content["preprocessing"]))

    def slice_transform(self, *, augmented: bool, shift: str | None) -> Compose:
        """Build the transforms of a slice: augmentation first, then the scanner."""
        augmentation = cast(list[object], self.content["augmentation"]) if augmented else []
        scanner = cast(list[object], self.section("shifts")[shift]) if shift is not None else []
        return Compose(_resolve([*augmentation, *scanner]))


def load_settings(name: str) -> TableSettings:
    """Read ``<name>.json`` beside this module.

    Raises:
        FileNotFoundError: if there is no such table.
    """
    path = Path(__file__).with_name(f"{name}.json")
    if not path.is_file():
        known = sorted(file.stem for file in path.parent.glob("*.json"))
        raise FileNotFoundError(f"no table '{name}'. Known: {', '.join(known)}.")
    return TableSettings(name, json.loads(path.read_text(encoding="utf-8")))


def _resolve(config: object) -> object:
    parser = ConfigParser({"part": config})
    return parser.get_parsed_content("part")
