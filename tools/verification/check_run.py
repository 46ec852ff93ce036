"""The chained run on a phantom: what is found is trained, what is trained is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import nibabel
import numpy as np
import torch

from iac_components.evaluation import case_metrics, read_metrics
from iac_components.networks import load_state, load_weights
from iac_components.search_space import load_genotype
from verification.bundle import Bundle, read_json, walk
from verification.chain import Chain
from verification.checks import register_check
from verification.workbench import Workbench

__all__ = ["check_run"]

OUTPUTS = {
    "plain": ("models/model.pt", "models/model_final.pt", "network.json"),
    "search": (
        "genotype.json",
        "search_trace.csv",
        "probability_curves.png",
        "divergence_curves.png",
        "cell.png",
        "top_k.json",
        "top_k.png",
        "checkpoints/checkpoint_epoch=*.pt",
    ),
    "cells": (
        "models/model.pt",
        "models/model_final.pt",
        "network.json",
        "checkpoints/checkpoint_epoch=*.pt",
    ),
    "other": ("models/model_final.pt", "network.json"),
    "evaluation": ("metrics.csv", "metrics.json"),
}
CELL = "skip_module."
DICE_TOLERANCE = 1e-5


@register_check("run")
def check_run(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Run the bundle's stages from another working directory, after those that feed them."""
    workbench.phantom_of(bundle)
    yield from STAGE_CHECKS[bundle.stage](workbench.chain(bundle))


def _search(chain: Chain) -> Iterator[str]:
    yield from _missing(chain.search())
    provenance = load_genotype(chain.genotype).provenance
    if provenance.get("kind") != "searched":
        yield f"search/genotype.json: provenance#kind is {provenance.get('kind')}, not 'searched'"
    settings = cast(Mapping[str, object], provenance["settings"])
    for key in ("dataset", "backbone"):
        if settings[key] != getattr(chain.search_bundle, key):
            yield f"search/genotype.json: provenance#settings#{key} is {settings[key]}"
    if settings["frozen_backbone"] is not True:
        yield "search.json: a search on a trained backbone does not freeze it"


def _train(chain: Chain) -> Iterator[str]:
    yield from _missing(chain.plain())
    yield from _missing(chain.cells())
    yield from _implanted(chain)
    yield from _missing(chain.evaluation())
    yield from _missing(chain.other_module())
    cost = read_json(chain.other_module() / "network.json")
    if cost["skip_module"] != chain.other_name:
        yield f"other/network.json: skip_module is {cost['skip_module']}, not {chain.other_name}"
    state = load_state(chain.other_module() / "models" / "model_final.pt")
    if any(CELL in key for key in state) is (chain.other_name == "plain"):
        yield f"other/models/model_final.pt: is not of a network with '{chain.other_name}'"


def _implanted(chain: Chain) -> Iterator[str]:
    """The trained weights are those of the found cell in the trained backbone."""
    path = chain.cells() / "models" / "model.pt"
    small = chain.workbench.options(chain.train_bundle)
    network = chain.workbench.network(chain.train_bundle, **{**small, **chain.found()})
    load_weights(network, path)
    state, plain = load_state(path), load_state(chain.plain() / "models" / "model.pt")
    kept = [value for key, value in state.items() if CELL not in key]
    if len(kept) != len(plain) or not all(map(torch.equal, kept, plain.values())):
        yield "cells/models/model.pt: the frozen backbone is not the trained one"
    # A cell's scale starts at zero, and only training moves it away.
    scales = [value for key, value in state.items() if key.endswith(f"{CELL}scale")]
    if not scales or not all(bool(scale.any()) for scale in scales):
        yield "cells/models/model.pt: a cell was not trained"


def _inference(chain: Chain) -> Iterator[str]:
    """Two ways to the same scores: evaluation, and the label maps against the labels."""
    folder = chain.predictions()
    classes = len(cast(Sequence[str], chain.train_bundle.config()["class_names"])) + 1
    regions = _regions(chain.train_bundle)
    records = {record.key: record for record in read_metrics(chain.evaluation())}
    cases = chain.workbench.cases(chain.train_bundle, chain.folds_file)
    expected = {f"{entry['case']}_seg.nii.gz" for entry in cases}
    found = {path.name for path in folder.iterdir()}
    if found != expected:
        yield f"predictions: holds {sorted(found)}, expected {sorted(expected)}"
    values: set[int] = set()
    for entry in cases:
        path = folder / f"{entry['case']}_seg.nii.gz"
        if path.name not in found:
            continue
        image, truth = nibabel.load(path), nibabel.load(str(entry["label"]))
        if image.shape != truth.shape or not np.allclose(image.affine, truth.affine, atol=1e-4):
            yield f"predictions/{path.name}: is not in the space of its image"
            continue
        voxels = np.asarray(image.dataobj).astype(np.uint8)
        values |= set(np.unique(voxels).tolist())
        scores = case_metrics(
            torch.from_numpy(voxels),
            torch.from_numpy(np.asarray(truth.dataobj).astype(np.uint8)),
            num_classes=classes,
            spacing=[float(size) for size in truth.header.get_zooms()],
            regions=regions,
        )
        for score in scores:
            record = records[str(entry["patient"]), str(entry["case"]), score.label]
            if not np.isclose(record.dice, score.dice, atol=DICE_TOLERANCE, equal_nan=True):
                yield (
                    f"predictions/{path.name}: Dice of {record.class_name} is {score.dice:.4f}, "
                    f"metrics.csv of the same weights has {record.dice:.4f}"
                )
    if found == expected and len(values) < 2:
        yield f"predictions: hold the value {sorted(values)} alone"


def _regions(bundle: Bundle) -> list[Sequence[int]] | None:
    """The unions of classes that an evaluation scores; None if it scores each class."""
    config = bundle.merged(bundle.config_path("evaluate"))
    for _, handler in walk(config.get("validate#handlers")):
        if isinstance(handler, dict) and "regions" in handler:
            given = handler["regions"]
            value = config.get(given[1:]) if isinstance(given, str) else given
            return (
                None if value is None else list(cast(Mapping[str, Sequence[int]], value).values())
            )
    return None


def _missing(folder: Path) -> Iterator[str]:
    for name in OUTPUTS[folder.name]:
        if not any(path.is_file() and path.stat().st_size for path in folder.glob(name)):
            yield f"{folder.name}/{name}: is missing or empty"
    yield from (f"{folder.name}/{p.name}: was left behind" for p in folder.rglob("*.tmp"))


STAGE_CHECKS: Mapping[str, Callable[[Chain], Iterator[str]]] = {
    "search": _search,
    "train": _train,
    "inference": _inference,
}
