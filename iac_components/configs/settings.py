"""The settings of a search that its result carries."""

from __future__ import annotations

from monai.bundle import ConfigParser

from iac_components.search import criterion_name

__all__ = ["search_settings"]

_OPTIONS = (
    *("backbone", "fold", "num_folds", "split_seed", "seed", "patches_per_volume", "batch_size"),
    *("patch_size", "pixdim", "augment", "learning_rate", "warmup_epochs"),
    *("architecture_learning_rate", "architecture_every", "val_interval", "frozen_backbone"),
    *("memory_gigabytes", "entropy_weight", "memory_weight", "topology_weight"),
    *("pruning", "keep_schedule", "edge_schedule", "path_pruning"),
    *("tolerance", "alpha", "images_a_patient", "audit_every", "cost", "max_cost"),
)
"""Recorded under their own names, where the config has them."""


def search_settings(parser: ConfigParser) -> dict[str, object]:
    """Read the settings by which a search is known, as plain values.

    Args:
        parser: of a search's config, whose data can be read.
    """
    value = parser.get_parsed_content
    steps = value("train#trainer#epoch_length") or len(value("train#dataloader"))
    budget = {"memory_fraction": value("budget").fraction} if "budget" in parser else {}
    return {
        "dataset": value("dataset_name"),
        "max_epochs": value("train#trainer#max_epochs"),
        "steps_per_epoch": steps,
        **{name: value(name) for name in _OPTIONS if name in parser},
        **budget,
        "criterion": criterion_name(value("criterion")),
        "stability": repr(value("stability")),
    }
