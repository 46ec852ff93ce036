"""How a bundle is made of its sources: one file a data set, one a backbone, one template a stage.

A bundle's config must be one self-contained file (MONAI Label, Deploy and ``monai.bundle.load``
read one), so bundles repeat each other by nature. Here each fact stands once, and the facts are
merged into the templates by MONAI's own rules (``a#b`` reaches into ``a``, ``+a`` extends it).
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bundle_facts import BUNDLES, SOURCES, BackboneSource, DatasetSource, Facts, read_json
from monai.bundle import ConfigParser
from monai.bundle.utils import merge_kv

import iac_components
from iac_components.files import write_text
from iac_components.networks import plan_nnunet

RESULTS = Path(__file__).parent.parent / "docs" / "results"
NETWORK_KEY = "backbone_def"


def to_json(content: object) -> str:
    """The one JSON layout of all bundles (the model zoo's: 4 spaces, keys unsorted)."""
    return json.dumps(content, indent=4, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Combination:
    """A data set with a backbone: what three bundles are rendered from."""

    dataset: DatasetSource
    backbone: BackboneSource
    bundles: Path = BUNDLES

    def root(self, stage: str) -> Path:
        """The bundle's folder."""
        return self.bundles / f"{self.prefix}_{stage}"

    @property
    def name(self) -> str:
        """Data set and backbone in one word."""
        return f"{self.dataset.name}_{self.backbone.name}"

    @property
    def prefix(self) -> str:
        """The bundles' names without their stage."""
        return f"{self.name}_iac_segmentation"

    def sizes(self) -> Facts:
        """Field of view and patch, rounded up to what the backbone can halve."""
        divisor = int(cast(int, self.backbone.words["size_divisor"]))
        sizes: Facts = {}
        for key in ("field_of_view", "patch_size"):
            given = cast(list[int], self.dataset.config[key])
            sizes[key] = [size if size < 0 else -(-size // divisor) * divisor for size in given]
        return sizes

    def spatial_multiple(self) -> int:
        """What a slice's sides must be a multiple of, bottom larger than one pixel included."""
        if "plan" not in cast(Facts, self.backbone.config["definition"]):
            return max(32, int(cast(int, self.backbone.words["size_divisor"])))
        patch = cast(list[int], self.sizes()["patch_size"])
        spacing = [abs(size) for size in cast(list[float], self.dataset.config["pixdim"])[:2]]
        return 2 * max(plan_nnunet(patch, spacing=spacing).divisor)

    def config(self, stage: str, template: Path) -> Facts:
        """The config that a template becomes."""
        content = read_json(template)
        if NETWORK_KEY in content:
            content = _with_network(content, cast(Facts, self.backbone.config["definition"]))
        common = (self.dataset.config, self.sizes(), self.backbone.config)
        filled = ConfigParser(content)
        for facts in common:
            for key, value in facts.items():
                if key in content:
                    merge_kv(filled, key, value)
        if template.stem == stage:
            for source in (self.dataset.config, self.backbone.config):
                stages = cast(Mapping[str, Facts], source["by_stage"])
                for key, value in stages[stage].items():
                    if key.lstrip("+").partition("#")[0] not in content:
                        raise ValueError(f"{stage}: no key '{key}' in the template.")
                    merge_kv(filled, key, value)
        result = cast(Facts, filled.get())
        empty = [key for key in ("dataset_name", "backbone", NETWORK_KEY) if _is_null(result, key)]
        if empty:
            raise ValueError(f"{self.prefix}_{stage}: no source fills {empty}.")
        return result


def _is_null(content: Facts, key: str) -> bool:
    return key in content and content[key] is None


def _with_network(content: Facts, definition: Facts) -> Facts:
    """Put the backbone's keys in the place of the template's one."""
    result: Facts = {}
    for key, value in content.items():
        result.update(definition if key == NETWORK_KEY else {key: value})
    return result


def render(combination: Combination, stage: str) -> Iterator[tuple[Path, str]]:
    """Yield path and text of every rendered file of a bundle."""
    root = combination.root(stage)
    words = _words(combination, stage)
    overrides = SOURCES / "overrides" / combination.backbone.name / stage
    for template in (*sorted((SOURCES / stage).glob("*.json")), *sorted(overrides.glob("*.json"))):
        if template.name == "metadata.json":
            text = to_json(substitute(read_json(template), words))
        else:
            text = to_json(combination.config(stage, template))
        yield root / "configs" / template.name, text
    yield root / "configs" / "logging.conf", (SOURCES / "logging.conf").read_text(encoding="utf-8")
    yield root / "LICENSE", (BUNDLES.parent / "LICENSE").read_text(encoding="utf-8")
    yield root / "docs" / "data_license.txt", combination.dataset.license_text
    if stage != "search":
        yield root / "genotype.json", genotype_source(combination).read_text(encoding="utf-8")
    readme = string.Template((SOURCES / stage / "README.md").read_text(encoding="utf-8"))
    yield root / "docs" / "README.md", readme.substitute(words)


def genotype_source(combination: Combination) -> Path:
    """The genotype to ship: of this data set and backbone if one was found, else of another.

    The next best is the same backbone's on hippocampus (the open data set), then the U-Net's.
    """
    folder = SOURCES / "genotypes"
    names = (
        combination.name,
        f"hippocampus_{combination.backbone.name}",
        "hippocampus_unet",
    )
    return next(path for name in names if (path := folder / f"{name}.json").exists())


def _words(combination: Combination, stage: str) -> Facts:
    """Everything that metadata and README may name by ``$name``."""
    classes = cast(list[str], combination.dataset.config["class_names"])
    channels = cast(list[str], combination.dataset.words["channel_names"])
    multiple = combination.spatial_multiple()
    patch = cast(list[int], combination.sizes()["patch_size"])
    words = {
        **combination.dataset.words,
        **combination.backbone.words,
        "dataset": combination.dataset.name,
        "backbone": combination.backbone.name,
        "prefix": combination.prefix,
        "version": iac_components.__version__,
        "changelog": _changelog(combination),
        "num_channels": len(channels),
        "channels_text": "one channel" if len(channels) == 1 else f"channels {', '.join(channels)}",
        "input_channels": {str(index): name for index, name in enumerate(channels)},
        "num_classes": len(classes) + 1,
        "channel_def": {str(i): name for i, name in enumerate(("background", *classes))},
        "spatial_shape": [f"{multiple}*n"] * 2,
        "patch": f"{patch[0]} x {patch[1]} pixels of {combination.dataset.words['slice_text']}",
        "results": _results(combination, pictures=stage == "train"),
        "genotype_note": _genotype_note(combination),
    }
    if not (combination.root(stage) / "models" / "model.pt").exists():
        words["weights_note"] = (
            f"No weights are shipped: {words['no_weights_reason']}. Train them with the train "
            "bundle; its model.pt goes into this bundle's models folder."
        )
    return words


def _changelog(combination: Combination) -> object:
    entries = read_json(SOURCES / "changelogs.json")
    return entries.get(combination.name, entries["default"])


def _genotype_note(combination: Combination) -> str:
    genotype = read_json(genotype_source(combination))
    provenance = cast(Facts, genotype["provenance"])
    settings = cast(Facts, provenance["settings"])
    found = (settings["dataset"], settings["backbone"])
    if found == (combination.dataset.name, combination.backbone.name):
        return "was found by the search bundle on this data set; its provenance is inside"
    return (
        f"is a stand-in: it was found on `{found[0]}` with the backbone `{found[1]}`, since no "
        "search was run on this combination. Search your own with the search bundle"
    )


def _results(combination: Combination, *, pictures: bool) -> str:
    """The measured results; their pictures lie in the train bundle alone."""
    section = RESULTS / combination.name / "section.md"
    pages = (combination.root("train") / "docs" / "RESULTS.md", section)
    texts = [path.read_text(encoding="utf-8") for path in pages if path.exists()]
    if not texts:
        return (
            "Not measured. Every stage was run on a synthetic data set in this layout "
            "(`tools/verify_bundles.py`), which says that it runs and nothing about accuracy.\n"
        )
    lines = "\n".join(texts).splitlines(keepends=True)
    return "".join(line for line in lines if pictures or not line.startswith("!["))


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
    """Write what differs from its source, or only tell; returns the files that differed."""
    different = []
    for path, text in render(combination, stage):
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        different.append(path)
        if not check:
            write_text(path, text)
    return different
