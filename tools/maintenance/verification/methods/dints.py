"""DiNTS: ``<task>_dints_segmentation_<stage>``; the search makes the whole network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from iac_components.dints import load_architecture
from tools.maintenance.verification.bundle import Bundle
from tools.maintenance.verification.method import METHODS, Method
from tools.maintenance.verification.methods.dints_budgets import FULL, PHANTOMS, QUICK
from tools.maintenance.verification.methods.dints_chain import DintsChain

__all__: list[str] = []


def _split(combination: str) -> tuple[str, str]:
    return combination, "dints"


def _identity(bundle: Bundle) -> Mapping[str, str]:
    return {"dataset": bundle.dataset}


def _provenance(path: Path) -> Mapping[str, object]:
    return load_architecture(path).provenance


METHODS.register("dints")(
    Method(
        name="dints",
        pattern="<task>",
        split=_split,
        identity=_identity,
        architecture_file="architecture.json",
        architecture_option="architecture_path",
        read_provenance=_provenance,
        shipped_kinds=("searched", "stand-in"),
        shared_keys=("class_names", "in_channels", "pixdim", "patch_size"),
        landmarks={
            "search": "space network_def network budget loss optimizer train validate",
            "train": "network_def network loss optimizer train validate",
            "inference": (
                "network_def network preprocessing dataset dataloader inferer postprocessing "
                "evaluator"
            ),
        },
        readme_outputs={
            "search": (
                "architecture.json",
                "architecture_last.json",
                "search_trace.csv",
                "search_summary.csv",
                "folds.json",
            ),
            "train": ("models/model.pt", "models/model_final.pt", "metrics.csv", "metrics.json"),
            "inference": ("_seg.nii.gz", "architecture.json", "model.pt"),
        },
        budgets={"quick": QUICK, "full": FULL},
        phantoms=PHANTOMS,
        make_chain=DintsChain,
        word="dints",
    )
)
