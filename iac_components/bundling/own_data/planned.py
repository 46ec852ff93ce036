"""From a user's data set to three bundles and their plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from iac_components.bundling.own_data.decisions import (
    Choice,
    config_of,
    make_choices,
    make_topology_choices,
)
from iac_components.bundling.own_data.names import require_name
from iac_components.bundling.own_data.plan_file import compare_plan, read_plan, write_plan
from iac_components.bundling.own_data.reading import DatasetFacts, read_facts
from iac_components.bundling.own_data.remarks import remarks_on
from iac_components.bundling.own_data.words import license_text, words_of
from iac_components.bundling.own_data.writing import require_folders, write_combination
from iac_components.bundling.rendering import (
    DintsCombination,
    IacCombination,
    VolumeCombination,
)
from iac_components.bundling.rendering.combination import Combination
from iac_components.bundling.rendering.facts import DatasetSource, load_backbone

__all__ = ["MEMORY", "Planned", "create_bundles"]

MEMORY = 8.0
"""Gigabytes, nnU-Net's target."""


@dataclass(frozen=True)
class Planned:
    """Bundles for a user's data set, and what was decided for them.

    Attributes:
        combination: the bundles.
        dataset_dir: the data set's folder, or the file that lists its cases.
        choices: the values in their configs.
        remarks: what else to know.
        plan: the plan's file.
        differences: from the plan that was there before.
    """

    combination: Combination
    dataset_dir: Path
    choices: Sequence[Choice]
    remarks: Sequence[str]
    plan: Path
    differences: Sequence[str]


def create_bundles(
    dataset_dir: Path,
    *,
    name: str,
    network: str,
    out: Path,
    spacing: tuple[float, float] | None = None,
    plane: str | None = None,
    memory: float = MEMORY,
    overwrite: bool = False,
    facts: DatasetFacts | None = None,
) -> Planned:
    """Read a data set, decide the values of its configs, write the three bundles and the plan.

    Args:
        dataset_dir: folder of the data set, or the file that lists its cases.
        name: of the data set, in the bundles' names.
        network: a backbone of the collection's, for slices or for volumes, or ``dints``, whose
            search makes the whole network.
        out: folder for the bundles.
        spacing: voxel size within a slice in mm; by default the median.
        plane: of the slices; by default across the coarsest axis.
        memory: gigabytes that a training may take for what it keeps for the backward pass.
        overwrite: replace bundles that are there, or take a name of this collection.
        facts: of the data set, where it was read before.

    Raises:
        ValueError: if the name, the network, the data set or an earlier plan cannot be used.
        OSError: if the bundles are there already, or cannot be written.
    """
    require_name(name, overwrite=overwrite)
    if not memory > 0:
        raise ValueError(f"--memory is {memory:g}: it must be positive (gigabytes).")
    bundles = out.expanduser().absolute()
    # Before the data set is read, which can take minutes.
    nothing_yet = _combination(DatasetSource({"dataset_name": name}, {}, ""), network, bundles)
    dims = 2 if type(nothing_yet) is IacCombination else 3
    if dims == 3 and (spacing or plane):
        raise ValueError(f"--slices and --in_plane_spacing: '{network}' sees volumes, not slices.")
    require_folders(nothing_yet, overwrite=overwrite)
    file = bundles / f"{nothing_yet.short_name}_plan.json"
    earlier = read_plan(file)
    facts = facts or read_facts(dataset_dir, spacing=spacing, plane=plane)
    rules = _choices(facts, network, memory)
    choices, differences = compare_plan(earlier, rules, facts=facts)
    folds = next(choice.value for choice in choices if choice.key == "num_folds")
    remarks = list(remarks_on(facts, num_folds=cast(int, folds), memory=memory, spatial_dims=dims))
    dataset = DatasetSource(
        config_of(name, choices, facts, spatial_dims=dims),
        words_of(name, facts, choices, spatial_dims=dims),
        license_text(name, facts),
    )
    combination = _combination(dataset, network, bundles)
    write_combination(combination, overwrite=overwrite)
    write_plan(file, choices, rules, facts=facts, remarks=remarks)
    return Planned(combination, facts.dataset_dir, choices, remarks, file, differences)


def _combination(dataset: DatasetSource, network: str, bundles: Path) -> Combination:
    if network == DintsCombination.method:
        return DintsCombination(dataset, bundles)
    source = load_backbone(network)
    kind = VolumeCombination if source.spatial_dims == 3 else IacCombination
    return kind(dataset, source, bundles)


def _choices(facts: DatasetFacts, network: str, memory: float) -> list[Choice]:
    if network == DintsCombination.method:
        return make_topology_choices(facts, memory=memory)
    return make_choices(facts, load_backbone(network), memory=memory)
