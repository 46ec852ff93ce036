"""Whatever a config of any version imports is found where that config looks for it."""

from __future__ import annotations

from pkgutil import resolve_name

import monai.data
import pytest

import iac_components

NAMES = [
    "bundle_code:evaluate_again",
    "console:flag",
    "console:optional",
    "console:parse_bool",
    "console:parse_optional",
    "console:report_errors_briefly",
    "data:CaseDataset",
    "data:CaseNames",
    "data:NiftiReader",
    "data:PatchDataset",
    "data:SaveImageLikeInputd",
    "data:SaveImageProbabilitiesd",
    "data:SliceDataset",
    "data:WholeLabelsd",
    "data:check_datalist",
    "data:check_description",
    "data:check_split",
    "data:check_window_reach",
    "data:epoch_loader",
    "data:fold_parts",
    "data:image_datalist",
    "data:load_datalist",
    "data:share_of_cases",
    "dints:ArchitectureRegularizer",
    "dints:BestArchitecture",
    "dints:DintsPruningHandler",
    "dints:DintsSearchNetwork",
    "dints:DintsSearchTrainer",
    "dints:DintsSpace",
    "dints:MemoryBudget",
    "dints:MemoryModel",
    "dints:SearchSummary",
    "dints:build_dints_network",
    "dints:save_found_architecture",
    "engine:BestModel",
    "engine:BestScore",
    "engine:EpochMetrics",
    "engine:EpochSeeding",
    "engine:FinalModel",
    "engine:NonFiniteGuard",
    "engine:OwnedFolders",
    "engine:ResumableCheckpoint",
    "engine:RunProgress",
    "engine:SynchronizedGradients",
    "engine:check_resume",
    "engine:record_run",
    "engine:run_until_signal",
    "engine:weights_record",
    "evaluation:PatientDice",
    "evaluation:PatientMetrics",
    "files:require_writable_directory",
    "networks:CellSearchNetwork",
    "networks:PairedWindowInferer",
    "networks:StackedSupervisionLoss",
    "networks:build_network",
    "networks:check_patch",
    "networks:load_weights",
    "networks:plan_nnunet",
    "networks:set_batch_norm_momentum",
    "networks:write_complexity",
    "options:build_components",
    "options:check_options",
    "paths:take_paths_as_typed",
    "ranks:is_first_rank",
    "ranks:join_ranks",
    "ranks:leave_ranks",
    "search:CellSearchTrainer",
    "search:FirstOrderGradient",
    "search:JensenShannonStability",
    "search:PrunedOptimizerState",
    "search:SearchTrace",
    "search:StabilityPruningHandler",
    "search:check_planned_steps",
    "search:save_found_genotype",
    "visualization:write_dints_report",
    "visualization:write_search_report",
]
"""Imports and targets of all configs of version 0.4, and what earlier and later ones name."""


@pytest.mark.parametrize("name", NAMES)
def test_what_configs_name_is_there(name):
    assert callable(resolve_name(f"iac_components.{name}"))


def test_the_copy_at_hand_is_the_one_found():
    module = resolve_name("iac_components.console")
    assert module.__file__.startswith(iac_components.__path__[0])


def test_no_dataset_has_the_name_of_one_of_monai():
    from iac_components import data

    assert data.PatchDataset is data.VolumePatchDataset
    ours = [getattr(data, name) for name in data.__all__ if isinstance(getattr(data, name), type)]
    assert not [kind.__name__ for kind in ours if hasattr(monai.data, kind.__name__)]
