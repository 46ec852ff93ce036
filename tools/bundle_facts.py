"""The facts that bundles are made of, as they lie in ``tools/bundle_sources``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent / "bundle_sources"
BUNDLES = Path(__file__).parent.parent / "bundles"
STAGES = ("search", "train", "inference")

Facts = dict[str, object]


def known(kind: str) -> tuple[str, ...]:
    """Names of the data sets or backbones that have a source, ``kind`` their folder."""
    files = (SOURCES / kind).glob("*.json")
    return tuple(sorted(path.stem for path in files if "." not in path.stem))


def _source_folder(kind: str, name: str) -> Path:
    if name not in known(kind):
        title = {"datasets": "data set", "backbones": "backbone"}[kind]
        raise ValueError(f"{title} '{name}' is unknown. Known: {', '.join(known(kind))}.")
    return SOURCES / kind


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
    """Read a data set's three source files.

    Raises:
        ValueError: if there is none of that name; the known ones are listed.
    """
    folder = _source_folder("datasets", name)
    return DatasetSource(
        read_json(folder / f"{name}.json"),
        read_json(folder / f"{name}.metadata.json"),
        (folder / f"{name}.data_license.txt").read_text(encoding="utf-8"),
    )


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
    folder = _source_folder("backbones", name)
    return BackboneSource(
        read_json(folder / f"{name}.json"), read_json(folder / f"{name}.metadata.json")
    )
