"""Settings of the study: shifts and numbers of cases, from one JSON file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from monai.bundle import ConfigParser
from monai.transforms import Compose
from torch import Tensor

from studies.cell_table.settings import TableSettings
from studies.cell_table.settings import load_settings as load_table_settings

__all__ = ["NO_SHIFT", "ShiftSettings", "load_shift_settings"]

NO_SHIFT = "none"


@dataclass(frozen=True)
class ShiftSettings:
    """All that decides the study's numbers, besides code and data.

    Attributes:
        content: the file's JSON values.
        table: the cell table that the network and its preprocessing are of.
    """

    content: Mapping[str, object]
    table: TableSettings

    def digest(self, shift: str) -> str:
        """SHA-256 of all that decides a row of a shift; other shifts do not count."""
        kept = {key: value for key, value in self.content.items() if key not in _EXTENT}
        own = cast(Mapping[str, object], self.content["shifts"]).get(shift)
        content = [kept, own, self.table.digest]
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(canonical.encode("utf-8")).hexdigest()

    @property
    def shifts(self) -> tuple[str, ...]:
        """Names of the shifts."""
        return tuple(cast(Mapping[str, object], self.content["shifts"]))

    def names(self, key: str) -> tuple[str, ...]:
        """Return a list of words of the file."""
        return tuple(cast(list[str], self.content[key]))

    def numbers(self, key: str) -> tuple[int, ...]:
        """Return a list of whole numbers of the file."""
        return tuple(cast(list[int], self.content[key]))

    def shares(self, key: str) -> tuple[float, ...]:
        """Return a list of numbers of the file."""
        return tuple(cast(list[float], self.content[key]))

    def number(self, key: str) -> float:
        """Return a number of the file."""
        return float(cast(float, self.content[key]))

    def integer(self, key: str) -> int:
        """Return a whole number of the file."""
        return int(cast(int, self.content[key]))

    def shifted(self, image: Tensor, shift: str, *, seed: int) -> Tensor:
        """Return an image (C, *S) as another scanner shows it; the same for the same seed."""
        if shift == NO_SHIFT:
            return image
        steps = cast(Mapping[str, object], self.content["shifts"])[shift]
        parser = ConfigParser({"part": steps})
        scanner = Compose(parser.get_parsed_content("part")).set_random_state(seed)
        found = scanner({"image": image.clone()})["image"]
        return torch.as_tensor(found).float().contiguous()


_EXTENT = ("shifts", "numbers_of_cases", "draws", "null_draws")
"""What says which rows there are, and not what a row holds."""


def load_shift_settings(name: str = "hippocampus") -> ShiftSettings:
    """Read ``<name>.json`` beside this module."""
    text = Path(__file__).with_name(f"{name}.json").read_text(encoding="utf-8")
    content = cast(Mapping[str, object], json.loads(text))
    return ShiftSettings(content, load_table_settings(str(content["table"])))
