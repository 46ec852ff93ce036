"""Check of a chained run on a phantom: search, training and inference use one result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import nibabel
import numpy as np
import torch
from monai.bundle.reference_resolver import ReferenceResolver

from iac_components.evaluation import case_metrics, read_metrics
from tools.maintenance.verification.bundle import Bundle, walk
from tools.maintenance.verification.chain import Chain
from tools.maintenance.verification.checks.registry import register_check
from tools.maintenance.verification.workbench import Workbench

__all__ = ["check_run"]

DICE_TOLERANCE = 5e-4
"""A voxel at the border of two classes may go either way: kernels depend on a batch's size."""


@register_check("run")
def check_run(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Run the bundle's stages from another working directory, after those that feed them."""
    workbench.phantom_of(bundle)
    yield from STAGE_CHECKS[bundle.stage](workbench.chain(bundle))


def _search(chain: Chain) -> Iterator[str]:
    yield from _missing(chain, chain.search())
    bundle = chain.search_bundle
    name = f"search/{bundle.method.architecture_file}"
    provenance = bundle.method.read_provenance(chain.architecture)
    if provenance.get("kind") not in ("searched", "undecided"):
        kind = provenance.get("kind")
        yield f"{name}: provenance#kind is {kind}, not 'searched' or 'undecided'"
    settings = cast(Mapping[str, object], provenance["settings"])
    for key, expected in bundle.method.identity(bundle).items():
        if settings[key] != expected:
            yield f"{name}: provenance#settings#{key} is {settings[key]}"
    yield from chain.search_faults()


def _train(chain: Chain) -> Iterator[str]:
    for folder in chain.training_stages():
        yield from _missing(chain, folder)
    yield from chain.training_faults()


def _inference(chain: Chain) -> Iterator[str]:
    """Check that the evaluation and the written label maps give the same scores."""
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
    """Return the unions of classes that an evaluation scores; None if it scores each class."""
    config = bundle.merged(bundle.config_path("evaluate"))
    for _, handler in walk(config.get("validate#handlers")):
        if isinstance(handler, dict) and "regions" in handler:
            given = handler["regions"]
            if isinstance(given, str):
                (reference,) = ReferenceResolver.match_refs_pattern(given)
                given = config.get(reference)
            return (
                None if given is None else list(cast(Mapping[str, Sequence[int]], given).values())
            )
    return None


def _missing(chain: Chain, folder: Path) -> Iterator[str]:
    for name in chain.outputs[folder.name]:
        if not any(path.is_file() and path.stat().st_size for path in folder.glob(name)):
            yield f"{folder.name}/{name}: is missing or empty"
    yield from (f"{folder.name}/{p.name}: was left behind" for p in folder.rglob("*.tmp*"))


STAGE_CHECKS: Mapping[str, Callable[[Chain], Iterator[str]]] = {
    "search": _search,
    "train": _train,
    "inference": _inference,
}
