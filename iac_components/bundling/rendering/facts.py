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
DECATHLON = SOURCES / "decathlon"
VOLUMES = IAC / "volumes"
BUNDLES = Path(__file__).parents[3] / "bundles"
STAGES = ("search", "train", "inference")

Facts = dict[str, object]


def known(folder: Path) -> tuple[str, ...]:
    """Names of the data sets or backbones that have a source in ``folder``."""
    return tuple(sorted(path.stem for path in folder.glob("*.json")))


def backbones() -> tuple[str, ...]:
    """Names of all backbones: those that see slices, then those that see volumes."""
    return known(IAC / "backbones") + known(VOLUMES / "backbones")


def _require(name: str, *folders: Path, title: str) -> Path:
    paths = {stem: folder / f"{stem}.json" for folder in folders for stem in known(folder)}
    if name not in paths:
        raise ValueError(f"{title} '{name}' is unknown. Known: {', '.join(paths)}.")
    return paths[name]


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
        _metadata(path),
        (path.parent / "data_licenses" / f"{name}.txt").read_text(encoding="utf-8"),
    )


def load_task(name: str, *, method: Path) -> DatasetSource:
    """Read a task of the Medical Segmentation Decathlon: its own facts on those that all share.

    What all tasks share (licence, layout, reference) stands once, beside them; intensities are
    those of MR volumes unless a task has a window of CT numbers.

    Args:
        name: of the task.
        method: folder of sources whose ``settings`` hold what a method sets for a task, if
            anything.

    Raises:
        ValueError: if there is no task of that name; the known ones are listed.
    """
    path = _require(name, DECATHLON / "tasks", title="task")
    shared, settings = DECATHLON / "shared", method / "settings" / path.name
    words = {**read_json(shared / "metadata.json"), **_metadata(path)}
    words = {key: _filled(value, words) for key, value in words.items()}
    licence = string.Template((shared / "data_license.txt").read_text(encoding="utf-8"))
    return DatasetSource(
        {
            **read_json(shared / "task.json"),
            **read_json(path),
            **(read_json(settings) if settings.exists() else {}),
        },
        words,
        licence.substitute(words),
    )


def _metadata(path: Path) -> Facts:
    """Read the texts of a data set or backbone, which lie in a folder beside its keys."""
    return read_json(path.parent / "metadata" / path.name)


def _filled(value: object, words: Facts) -> object:
    return string.Template(value).substitute(words) if isinstance(value, str) else value


@dataclass(frozen=True)
class BackboneSource:
    """A backbone's facts.

    Attributes:
        config: keys of the configs.
        words: texts.
        spatial_dims: 2 for a network that sees slices, 3 for one that sees volumes.
    """

    config: Facts
    words: Facts
    spatial_dims: int = 2

    @property
    def name(self) -> str:
        """The backbone's short name."""
        return str(self.config["backbone"])


def load_backbone(name: str) -> BackboneSource:
    """Read a backbone's two source files.

    Raises:
        ValueError: if there is none of that name; the known ones are listed.
    """
    slices, volumes = IAC / "backbones", VOLUMES / "backbones"
    path = _require(name, slices, volumes, title="backbone")
    dims = 3 if path.parent == volumes else 2
    return BackboneSource(read_json(path), _metadata(path), dims)


def provenance_of(path: Path) -> Facts:
    """Read the provenance in a genotype's or an architecture's file."""
    return cast(Facts, read_json(path)["provenance"])


def no_cell_note(path: Path) -> str:
    """Return why a genotype has no cell, for the README of a bundle that ships it."""
    if provenance_of(path)["kind"] == "stand-in":
        why = (
            "it was trained so, and the shipped `genotype.json` has none; whether one would be "
            "worth having was not searched"
        )
    else:
        why = (
            "a search by `--criterion audit` around these weights measured none to be worth "
            "having, so the shipped `genotype.json` has none (and says why)"
        )
    return (
        f"without a cell: {why}. Weights with cells are loaded with the genotype that they were "
        "trained with"
    )
