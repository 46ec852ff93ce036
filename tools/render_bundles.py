"""Render every bundle from ``tools/bundle_sources``; ``--check`` only reports differences.

A bundle's config must be one self-contained file (MONAI Label, Deploy and ``monai.bundle.load``
read one), so bundles repeat each other by nature. Here each fact stands once: one file a data set,
one a backbone, one template a stage. A template's top-level keys are filled from the other two.
"""

from __future__ import annotations

import argparse
import json
import string
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path(__file__).parent / "bundle_sources"
BUNDLES = Path(__file__).parent.parent / "bundles"
STAGES = ("search", "train", "inference")
COMBINATIONS = (("hippocampus", "unet"), ("acdc", "unet"))


def read_json(path: Path) -> dict[str, object]:
    """Read a JSON object, refusing duplicate keys."""

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) != len(keys):
            raise ValueError(f"{path}: duplicate keys among {keys}.")
        return dict(pairs)

    content: dict[str, object] = json.loads(
        path.read_text(encoding="utf-8"), object_pairs_hook=unique
    )
    return content


def to_json(content: object) -> str:
    """The one JSON layout of all bundles (the model zoo's: 4 spaces, keys unsorted)."""
    return json.dumps(content, indent=4, ensure_ascii=False) + "\n"


def fill(template: dict[str, object], *facts: object) -> dict[str, object]:
    """Give the template's top-level keys the values that the facts hold for them; the last wins.

    Raises:
        ValueError: if a key is left null that only a fact can fill.
    """
    filled = dict(template)
    for fact in facts:
        if isinstance(fact, dict):
            filled.update({key: value for key, value in fact.items() if key in template})
    left = [
        key for key in ("dataset_name", "backbone", "backbone_def") if filled.get(key, "") is None
    ]
    if left:
        raise ValueError(f"no source fills {left}.")
    return filled


def render(dataset: str, backbone: str, stage: str) -> Iterator[tuple[Path, str]]:
    """Yield path and text of every rendered file of a bundle."""
    root = BUNDLES / f"{dataset}_{backbone}_iac_segmentation_{stage}"
    facts = read_json(SOURCES / "datasets" / f"{dataset}.json")
    by_stage = facts.pop("by_stage")
    words = read_json(SOURCES / "datasets" / f"{dataset}.metadata.json")
    network = read_json(SOURCES / "backbones" / f"{backbone}.json")
    for template in sorted((SOURCES / stage).glob("*.json")):
        content = read_json(template)
        if template.name == "metadata.json":
            text = to_json(substitute(content, words, dataset=dataset, backbone=backbone))
        else:
            text = to_json(
                fill(content, facts, network, by_stage[stage] if isinstance(by_stage, dict) else {})
            )
        yield root / "configs" / template.name, text
    yield root / "configs" / "logging.conf", (SOURCES / "logging.conf").read_text(encoding="utf-8")
    yield root / "LICENSE", (BUNDLES.parent / "LICENSE").read_text(encoding="utf-8")
    licence = (SOURCES / "datasets" / f"{dataset}.data_license.txt").read_text(encoding="utf-8")
    yield root / "docs" / "data_license.txt", licence
    readme = string.Template((SOURCES / stage / "README.md").read_text(encoding="utf-8"))
    fields = {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in words.items()
    }
    yield (
        root / "docs" / "README.md",
        readme.substitute(
            fields,
            dataset=dataset,
            backbone=backbone,
            prefix=f"{dataset}_{backbone}_iac_segmentation",
            results=results_text(dataset, backbone, pictures=stage == "train"),
        ),
    )


def results_text(dataset: str, backbone: str, *, pictures: bool) -> str:
    """The measured results; their pictures lie in the train bundle alone."""
    docs = BUNDLES / f"{dataset}_{backbone}_iac_segmentation_train" / "docs"
    text = (docs / "RESULTS.md").read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if pictures or not line.startswith("!["))


def substitute(value: object, words: dict[str, object], **names: str) -> object:
    """Replace ``$name`` within every string of JSON values; a lone ``$name`` takes any value."""
    if isinstance(value, dict):
        return {key: substitute(item, words, **names) for key, item in value.items()}
    if isinstance(value, list):
        return [substitute(item, words, **names) for item in value]
    if isinstance(value, str) and value.startswith("$") and value[1:] in words:
        return words[value[1:]]
    if isinstance(value, str):
        return string.Template(value).substitute({k: str(v) for k, v in words.items()}, **names)
    return value


def main() -> int:
    """Render, or check; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail on differences")
    check = parser.parse_args().check
    different = []
    for dataset, backbone in COMBINATIONS:
        for stage in STAGES:
            for path, text in render(dataset, backbone, stage):
                if path.exists() and path.read_text(encoding="utf-8") == text:
                    continue
                different.append(path.relative_to(BUNDLES.parent))
                if not check:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text, encoding="utf-8")
    for path in different:
        print(f"{'differs' if check else 'written'}: {path}")
    return 1 if check and different else 0


if __name__ == "__main__":
    sys.exit(main())
