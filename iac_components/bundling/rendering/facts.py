"""The facts that bundles are made of, as they lie in the folder ``sources``."""

from __future__ import annotations

import json
import string
from dataclasses import dataclass
from pathlib import Path
from typing import cast

SOURCES = Path(__file__).with_name("sources")
IAC = SOURCES / "iac"
DINTS = SOURCES / "dints"
BUNDLES = Path(__file__).parents[3] / "bundles"
STAGES = ("search", "train", "inference")

Facts = dict[str, object]


def known(folder: Path) -> tuple[str, ...]:
    """Names of the data sets or backbones that have a source in ``folder``."""
    return tuple(sorted(path.stem for path in folder.glob("*.json") if "." not in path.stem))


def _require(name: str, folder: Path, *, title: str) -> Path:
    if name not in known(folder):
        raise ValueError(f"{title} '{name}' is unknown. Known: {', '.join(known(folder))}.")
    return folder / f"{name}.json"


def read_json(path: Path) -> Facts:
    """Read a JSON object, refusing duplicate keys."""

    def unique(pairs: list[tuple[str, object]]) -> Facts:
        keys = [key for key, _ in pairs]
        if len(set(keys)) != len(keys):
            raise ValueError(f"{path}: duplicate keys among {keys}.")
        return dict(pairs)

    content: Facts = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=unique)
    return content


@dataclass(frozen=True)
class DatasetSource:
    """A data set's facts.

    Attributes:
        config: keys of the configs; ``by_stage`` holds those of one stage.
        words: texts for metadata and README.
        license_text: licence of the data.
    """

    config: Facts
    words: Facts
    license_text: str

    @property
    def name(self) -> str:
        """The data set's short name."""
        return str(self.config["dataset_name"])


def load_dataset(name: str) -> DatasetSource:
    """Read the three source files of a data set that cells are searched on.

    Raises:
        ValueError: if there is none of that name; the known ones are listed.
    """
    path = _require(name, IAC / "datasets", title="data set")
    return DatasetSource(
        read_json(path),
        read_json(path.with_suffix(".metadata.json")),
        path.with_suffix(".data_license.txt").read_text(encoding="utf-8"),
    )


def load_task(name: str) -> DatasetSource:
    """Read a task of the Medical Segmentation Decathlon: its own facts on those that all share.

    What all tasks share (licence, layout, reference) stands once, beside them; intensities are
    those of MR volumes unless a task has a window of CT numbers.

    Raises:
        ValueError: if there is no task of that name; the known ones are listed.
    """
    path = _require(name, DINTS / "datasets", title="task")
    shared = DINTS / "shared"
    own = read_json(path.with_suffix(".metadata.json"))
    words = {**read_json(shared / "metadata.json"), **own}
    words = {key: _filled(value, words) for key, value in words.items()}
    licence = string.Template((shared / "data_license.txt").read_text(encoding="utf-8"))
    return DatasetSource(
        {**read_json(shared / "task.json"), **read_json(path)},
        words,
        licence.substitute(words),
    )


def _filled(value: object, words: Facts) -> object:
    return string.Template(value).substitute(words) if isinstance(value, str) else value


@dataclass(frozen=True)
class BackboneSource:
    """A backbone's facts: keys of the configs, and texts."""

    config: Facts
    words: Facts

    @property
    def name(self) -> str:
        """The backbone's short name."""
        return str(self.config["backbone"])


def load_backbone(name: str) -> BackboneSource:
    """Read a backbone's two source files.

    Raises:
        ValueError: if there is none of that name; the known ones are listed.
    """
    path = _require(name, IAC / "backbones", title="backbone")
    return BackboneSource(read_json(path), read_json(path.with_suffix(".metadata.json")))


def provenance_of(path: Path) -> Facts:
    """Read the provenance in a genotype's or an architecture's file."""
    return cast(Facts, read_json(path)["provenance"])
