"""Rendering of a bundle from its sources: facts of a data set and a network, a template a stage.

A bundle's config must be one self-contained file (MONAI Label, Deploy and ``monai.bundle.load``
read one), so bundles repeat each other by nature. Here each fact stands once, and the facts are
merged into the templates by MONAI's own rules (``a#b`` reaches into ``a``, ``+a`` extends it).
What differs between the methods lies in a module of each.
"""

from __future__ import annotations

import string
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, cast

from monai.bundle import ConfigParser
from monai.bundle.utils import merge_kv

import iac_components
from iac_components.bundling.options import option_table
from iac_components.bundling.rendering.facts import (
    SOURCES,
    STAGES,
    DatasetSource,
    Facts,
    provenance_of,
    read_json,
)
from iac_components.bundling.rendering.json_layout import to_json
from iac_components.bundling.rendering.performance import eval_metrics, performance, weights_note
from iac_components.common.files import write_text

IMAGE_KEY = "image_key"
"""The option by which a config calls its images otherwise."""

FLIPS, MIRROR_AXES = "flip_probabilities", "mirror_axes"
"""Chances that training mirrors an axis, and the axes of which there is one."""


class Combination(ABC):
    """Data set and network of a combination, from which three bundles are rendered.

    Attributes:
        method: short name of the method, in the bundles' names.
        schema: name of the options that its configs have.
        sources: folder with the method's templates, one folder a stage.
        architecture_file: what a search finds and the other two bundles ship.
        required: keys that no config may leave empty.
        changelog: key of the changes of a combination that has no entry of its own.
        dataset: the data set.
        bundles: folder that the bundles lie in.
    """

    method: ClassVar[str]
    schema: ClassVar[str]
    sources: ClassVar[Path]
    architecture_file: ClassVar[str]
    required: ClassVar[Sequence[str]]
    changelog: ClassVar[str] = "default"
    dataset: DatasetSource
    bundles: Path

    @abstractmethod
    def placed(self, folder: Path) -> Combination:
        """Return the same combination with its bundles in another folder."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The combination in one word."""

    @property
    def short_name(self) -> str:
        """The combination in one word that no other method's has."""
        return self.name

    @property
    def prefix(self) -> str:
        """The bundles' names without their stage."""
        return f"{self.name}_{self.method}_segmentation"

    def root(self, stage: str) -> Path:
        """Return the bundle's folder."""
        return self.bundles / f"{self.prefix}_{stage}"

    @abstractmethod
    def facts(self) -> Sequence[Facts]:
        """Keys of the configs, the later winning; ``by_stage`` holds those of one stage."""

    @abstractmethod
    def spatial_shape(self) -> list[str]:
        """Return the sizes that the network takes, as metadata state them."""

    @abstractmethod
    def architecture_source(self) -> Path:
        """Return the architecture to ship: this combination's own, or a stand-in."""

    def shipped_architecture(self, stage: str) -> Path:
        """Return the architecture that lies in a stage's bundle."""
        return self.architecture_source()

    @abstractmethod
    def architecture_note(self) -> str:
        """Return a sentence on the origin of the shipped architecture, for the README."""

    def template(self, path: Path) -> Facts:
        """Load a template, ready for facts to be put into it."""
        return read_json(path)

    def stage_template(self, stage: str) -> Path:
        """Return the template of the stage's own config."""
        return self.sources / stage / f"{stage}.json"

    def extra_templates(self, stage: str) -> Sequence[Path]:
        """Templates beside those of the stage.

        A train bundle segments by what it trained: clients that train and segment in turn (MONAI
        Label, MonaiAlgo, the model zoo) look for both configs in one folder.
        """
        return (self.stage_template("inference"),) if stage == "train" else ()

    def config(self, stage: str, template: Path) -> Facts:
        """Render a template to a config."""
        content = self.template(template)
        filled = ConfigParser(content)
        for facts in self.facts():
            for key, value in facts.items():
                if key in content:
                    merge_kv(filled, key, value)
        if template.stem in STAGES:
            for facts in self.facts():
                stages = cast(Mapping[str, Facts], facts.get("by_stage", {template.stem: {}}))
                for key, value in stages[template.stem].items():
                    if key.lstrip("+").partition("#")[0] not in content:
                        raise ValueError(f"{template.stem}: no key '{key}' in the template.")
                    merge_kv(filled, key, value)
        result = cast(Facts, filled.get())
        if MIRROR_AXES in result:
            chances = cast(Sequence[float], self.dataset.config[FLIPS])
            result[MIRROR_AXES] = [axis for axis, chance in enumerate(chances) if chance]
        if IMAGE_KEY in result:
            result["voxel_values"] = _keyed(result["voxel_values"])
        empty = [key for key in self.required if key in result and result[key] is None]
        if empty:
            raise ValueError(f"{self.prefix}_{stage}: no source fills {empty}.")
        return result

    def words(self, stage: str) -> Facts:
        """Return the values that metadata and README may name by ``$name``."""
        classes = cast(list[str], self.dataset.config["class_names"])
        channels = cast(list[str], self.dataset.words["channel_names"])
        channel_list = f"channels {', '.join(channels)}"
        words = {
            **self.dataset.words,
            "dataset": self.dataset.name,
            "prefix": self.prefix,
            "version": iac_components.__version__,
            "changelog": self._changelog(),
            "num_channels": len(channels),
            "channels_text": "one channel" if len(channels) == 1 else channel_list,
            "input_channels": {str(index): name for index, name in enumerate(channels)},
            "num_classes": len(classes) + 1,
            "channel_def": {str(i): name for i, name in enumerate(("background", *classes))},
            "spatial_shape": self.spatial_shape(),
            "options": option_table(self.schema, self._options(stage)),
            "results": self._results(stage),
            "architecture_note": self.architecture_note(),
        }
        if not (self.root(stage) / "models" / "model.pt").exists():
            words["weights_note"] = (
                f"No weights are shipped: {words['no_weights_reason']}. Make them, from this "
                "bundle's folder: `python -m monai.bundle run --config_file "
                f"../{self.prefix}_train/configs/train.json --dataset_dir <dataset_dir> --ckpt_dir "
                "models`."
            )
        elif self.weights_record.exists():
            words["weights_note"] = weights_note(self.weights_record)
        return words

    def _options(self, stage: str) -> Facts:
        """Return the keys of a stage's config, without those that no single bundle uses."""
        return self.config(stage, self.stage_template(stage))

    def provenance(self) -> Facts:
        """Return the origin of the shipped architecture."""
        return provenance_of(self.architecture_source())

    def search_note(self) -> str:
        """Say which search found the shipped architecture, and whether it measured parts."""
        provenance = self.provenance()
        versions = cast(Mapping[str, str], provenance.get("versions", {}))
        version = versions.get("iac_components", "unknown")
        if provenance.get("findings"):
            return f"the search of version {version}; what its parts are worth is inside"
        return f"the search of version {version}, which did not measure what its parts are worth"

    def _changelog(self) -> object:
        entries = read_json(self.sources / "changelogs.json")
        return entries.get(self.name, entries[self.changelog])

    @property
    def weights_record(self) -> Path:
        """The file that says how the shipped weights were made, if any are."""
        return self.root("inference") / "docs" / "weights.json"

    def eval_metrics(self, stage: str) -> Facts:
        """Return the scores of shipped weights, as metadata hold them; nothing without weights."""
        shipped = stage == "inference" and self.weights_record.exists()
        return {"eval_metrics": eval_metrics(self.weights_record)} if shipped else {}

    def _results(self, stage: str) -> str:
        """Scores of the shipped weights, if any are."""
        return performance(stage, weights=self.weights_record)


def _keyed(transform: object) -> object:
    """Let a transform of images, or those within it, follow the option that names them."""
    if isinstance(transform, dict):
        keyed = {key: _keyed(value) for key, value in transform.items()}
        return {**keyed, "keys": f"@{IMAGE_KEY}"} if transform.get("keys") == "image" else keyed
    return [_keyed(item) for item in transform] if isinstance(transform, list) else transform


def render(combination: Combination, stage: str) -> Iterator[tuple[Path, str]]:
    """Yield path and text of every rendered file of a bundle."""
    root = combination.root(stage)
    folder = combination.sources / stage
    words = combination.words(stage)
    for template in (*sorted(folder.glob("*.json")), *combination.extra_templates(stage)):
        if template.name == "metadata.json":
            metadata = cast(Facts, substitute(read_json(template), words))
            text = to_json(metadata | combination.eval_metrics(stage))
        else:
            text = to_json(combination.config(stage, template))
        yield root / "configs" / template.name, text
    yield root / "configs" / "logging.conf", (SOURCES / "logging.conf").read_text(encoding="utf-8")
    yield root / "LICENSE", (SOURCES / "LICENSE").read_text(encoding="utf-8")
    yield root / "docs" / "data_license.txt", combination.dataset.license_text
    if stage != "search":
        text = combination.shipped_architecture(stage).read_text(encoding="utf-8")
        yield root / combination.architecture_file, text
    readme = string.Template((folder / "README.md").read_text(encoding="utf-8"))
    yield root / "docs" / "README.md", readme.substitute(words)


def substitute(value: object, words: Facts) -> object:
    """Replace ``$name`` within every string of JSON values; a lone ``$name`` takes any value."""
    if isinstance(value, dict):
        return {key: substitute(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [substitute(item, words) for item in value]
    if isinstance(value, str) and value.startswith("$") and value[1:] in words:
        return words[value[1:]]
    if isinstance(value, str):
        return string.Template(value).substitute(words)
    return value


def write_bundle(combination: Combination, stage: str, *, check: bool = False) -> list[Path]:
    """Write the files that differ from their source, or only report them; returns their names."""
    different = []
    for path, text in render(combination, stage):
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        different.append(path)
        if not check:
            write_text(path, text)
    return different
