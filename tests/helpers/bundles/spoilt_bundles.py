"""Copies of bundles, and ways to spoil one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch

from tools.maintenance.verification import Bundle

ROOT = Path(__file__).parents[3]
COPIED = ("search", "train", "inference")
PREFIX = "hippocampus_resnet_iac_segmentation"
DINTS_PREFIX = "heart_dints_segmentation"

Spoil = Callable[[Bundle], None]


def copied(prefix: str, folder: Path) -> dict[str, Bundle]:
    for stage in COPIED:
        source = ROOT / "bundles" / f"{prefix}_{stage}"
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("*.png"))
    return {stage: Bundle(folder / f"{prefix}_{stage}") for stage in COPIED}


def edit(name: str, where: str, value: object) -> Spoil:
    """Set ``a#b#0`` of a JSON file of the bundle; a value of None takes it out."""

    def spoil(bundle: Bundle) -> None:
        path = bundle.root / name
        content = json.loads(path.read_text(encoding="utf-8"))
        *parents, last = where.split("#")
        item = content
        for part in parents:
            item = item[int(part) if isinstance(item, list) else part]
        if value is None:
            del item[last]
        else:
            item[int(last) if isinstance(item, list) else last] = value
        path.write_text(json.dumps(content), encoding="utf-8")

    return spoil


def replace(name: str, old: str, new: str) -> Spoil:
    def spoil(bundle: Bundle) -> None:
        path = bundle.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return spoil


def delete(name: str) -> Spoil:
    return lambda bundle: (bundle.root / name).unlink()


def add(name: str, content: bytes) -> Spoil:
    def spoil(bundle: Bundle) -> None:
        (bundle.root / name).parent.mkdir(exist_ok=True)
        (bundle.root / name).write_bytes(content)

    return spoil


def foreign_weights(bundle: Bundle) -> None:
    (bundle.root / "models").mkdir()
    torch.save({"model": {"weight": torch.ones(2)}}, bundle.root / "models" / "model.pt")


def other_root(bundle: Bundle) -> None:
    edit(INFER, "bundle_root", f"{bundle.root}/")(bundle)


TRAIN, EVALUATE, INFER = "configs/train.json", "configs/evaluate.json", "configs/inference.json"
SEARCH = "configs/search.json"
META, README = "configs/metadata.json", "docs/README.md"
PRED = "network_data_format#outputs#pred"
HANDLERS = "validate#handlers"
