"""Implantable adaptive cells: ``<dataset>_<backbone>_iac_segmentation_<stage>``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from iac_components.search_space import load_genotype
from tools.maintenance.verification.bundle import Bundle
from tools.maintenance.verification.method import METHODS, Method
from tools.maintenance.verification.methods.iac_budgets import FULL, PHANTOMS, QUICK
from tools.maintenance.verification.methods.iac_chain import IacChain

__all__ = ["IAC"]

TRAINING = "backbone_def network_def network loss optimizer train"


def _split(combination: str) -> tuple[str, str]:
    dataset, _, backbone = combination.rpartition("_")
    return dataset, backbone


def _identity(bundle: Bundle) -> Mapping[str, str]:
    return {"dataset": bundle.dataset, "backbone": bundle.network}


def _provenance(path: Path) -> Mapping[str, object]:
    return load_genotype(path).provenance


IAC = METHODS.register("iac")(
    Method(
        name="iac",
        pattern="<dataset>_<backbone>",
        split=_split,
        identity=_identity,
        architecture_file="genotype.json",
        architecture_option="genotype_path",
        read_provenance=_provenance,
        shipped_kinds=("searched", "undecided"),
        shared_keys=("class_names", "in_channels", "pixdim", "patch_size"),
        landmarks={
            "search": TRAINING,
            "train": f"{TRAINING} validate",
            "inference": (
                "backbone_def network_def network preprocessing dataset dataloader inferer "
                "postprocessing evaluator"
            ),
        },
        readme_outputs={
            "search": (
                "genotype.json",
                "search_trace.csv",
                "top_k.json",
                "cell.png",
                "folds.json",
            ),
            "train": ("models/model.pt", "models/model_final.pt", "metrics.csv", "metrics.json"),
            "inference": ("_seg.nii.gz", "genotype.json", "model.pt"),
        },
        budgets={"quick": QUICK, "full": FULL},
        phantoms=PHANTOMS,
        make_chain=IacChain,
        word="iac",
    )
)
