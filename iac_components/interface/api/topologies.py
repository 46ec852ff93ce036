"""The search of a whole network's topology (DiNTS)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from iac_components.bundling.options import OptionError
from iac_components.dints import (
    DintsArchitecture,
)
from iac_components.interface.api.engines.audits import defaults_of, named, require_used
from iac_components.interface.api.engines.components import (
    Loss,
    segmentation_loss,
    topology_criterion,
)
from iac_components.interface.api.engines.topology_plan import TopologySearchPlan
from iac_components.interface.api.inputs.sources import Source, read_source
from iac_components.interface.api.runs.arguments import RunSettings
from iac_components.interface.api.runs.frame import name_classes
from iac_components.interface.api.runs.halves import check_steps, read_halves
from iac_components.interface.api.runs.topology_runs import run_topology_search
from iac_components.search import DEFAULT_TOPOLOGY_CRITERION, StabilityCriterion

__all__ = ["search_topology"]

BATCH_SIZE = 2
VAL_INTERVAL = 20


def search_topology(
    weights: Source,
    architecture: Source,
    validation: Source,
    *,
    output_dir: str | Path,
    epochs: int = 60,
    steps_per_epoch: int | None = None,
    batch_size: int | None = None,
    learning_rate: float = 0.025,
    warmup_epochs: int = 12,
    architecture_learning_rate: float = 0.02,
    architecture_every: int = 1,
    val_interval: int | None = None,
    num_blocks: int = 6,
    num_depths: int = 3,
    channel_mul: float = 0.25,
    use_downsample: bool = True,
    memory_fraction: float | None = None,
    memory_gigabytes: float | None = None,
    entropy_weight: float = 1.0,
    memory_weight: float = 1.0,
    topology_weight: float = 0.001,
    pruning: bool = False,
    keep_schedule: Sequence[int] = (3, 2, 1),
    path_pruning: bool = True,
    criterion: str | StabilityCriterion = DEFAULT_TOPOLOGY_CRITERION,
    tolerance: float = 0.003,
    alpha: float = 0.05,
    images_a_patient: int = 2,
    audit_every: int | None = None,
    loss: Loss | None = None,
    class_names: Sequence[str] | None = None,
    resume: bool = False,
    device: str | torch.device | None = None,
    seed: int = 0,
    amp: bool | None = None,
    num_workers: int = 0,
) -> DintsArchitecture:
    """Search the topology of a network under a memory budget (DiNTS, arXiv 2103.15954).

    ``output_dir`` gets ``architecture.json``, the trace, a summary, pictures and the checkpoints.
    ``build_dints_network`` makes the network, which :func:`train` trains.
    ``provenance["findings"]`` of the result has the effect of each path and operation, and how it
    was decided; ``["kind"]`` is ``searched`` if all of them were, else ``undecided``.

    Args:
        weights: data that train the weights: a part of :func:`load_dataset` with
            ``spatial_dims=3``, a ``DataLoader``, or a ``Dataset`` or list of items with ``image``
            (C, *S) and ``label`` (1, *S).
        architecture: data that train the architecture, of other patients.
        validation: data that choose the best architecture.
        output_dir: folder of the search, which no other run writes into.
        epochs: maximal length of the search.
        steps_per_epoch: steps of an epoch; None takes ``weights`` once.
        batch_size: images of a step; 2, or the loaders' own.
        learning_rate: of the weights.
        warmup_epochs: epochs that only train the weights.
        architecture_learning_rate: of the architecture's parameters.
        architecture_every: steps of the weights for one of the architecture.
        val_interval: epochs between validations; 20, or ``epochs`` if fewer.
        num_blocks: steps from the first column of the grid to the last.
        num_depths: resolutions of the grid.
        channel_mul: channels are this times 32, 64, ...
        use_downsample: halve the image first.
        memory_fraction: budget as a fraction of the largest network's activations; a half.
        memory_gigabytes: the same in gigabytes, for a batch; not with ``memory_fraction``.
        entropy_weight: of the term that makes the architecture discrete.
        memory_weight: of the term that keeps the budget.
        topology_weight: of the term that keeps it connected.
        pruning: delete operations that have settled as losers.
        keep_schedule: counts of operations that a stable path keeps.
        path_pruning: with ``pruning``, delete paths too.
        criterion: ``stability`` (Jensen-Shannon divergence), ``floor`` (the same, with a floor of
            evidence), ``audit`` (parts that the loss does not need go) or ``both``; or an object.
        tolerance: increase of the loss that does not matter.
        alpha: probability of any wrong deletion by evidence.
        images_a_patient: patches of each patient of ``architecture`` on which paths and operations
            are judged.
        audit_every: epochs between two looks of the audit; by default so many that the looks cost
            no more than the training of the weights.
        loss: of logits and labels.
        class_names: names of the foreground classes, if the data do not have them.
        resume: start from the newest checkpoint, if there is one of this search.
        device: of the computation; the GPU if there is one, else the CPU.
        seed: of all random numbers; it also sets Python's, NumPy's and torch's generators.
        amp: mixed precision (bfloat16 on a CPU); None turns it on with CUDA.
        num_workers: processes that load data.

    Raises:
        OptionError: if an argument is not allowed, or nothing names the classes.
        BudgetError: if no architecture fits the budget.
        FolderInUseError: if another process writes into ``output_dir``.
        CheckpointError: if ``resume`` finds the checkpoint of another search.

    Example:
        >>> topology = iac.search_topology(
        ...     volumes.weights,
        ...     volumes.architecture,
        ...     volumes.validation,
        ...     output_dir="runs/topology",
        ...     epochs=2,
        ...     steps_per_epoch=1,
        ...     warmup_epochs=1,
        ...     num_blocks=2,
        ...     num_depths=2,
        ... )
        >>> found = iac.build_dints_network(topology, in_channels=1, out_channels=3)
    """
    half = 0.5 if memory_gigabytes is None else None
    options: dict[str, object] = {
        "warmup_epochs": warmup_epochs,
        "architecture_learning_rate": architecture_learning_rate,
        "architecture_every": architecture_every,
        "num_blocks": num_blocks,
        "num_depths": num_depths,
        "channel_mul": channel_mul,
        "use_downsample": use_downsample,
        "memory_fraction": half if memory_fraction is None else memory_fraction,
        "memory_gigabytes": memory_gigabytes,
        "entropy_weight": entropy_weight,
        "memory_weight": memory_weight,
        "topology_weight": topology_weight,
        "pruning": pruning,
        "keep_schedule": keep_schedule,
        "path_pruning": path_pruning,
    }
    audit_options: dict[str, object] = {
        "tolerance": tolerance,
        "alpha": alpha,
        "images_a_patient": images_a_patient,
        "audit_every": audit_every,
    }
    settings = RunSettings.checked(
        method="dints",
        output_dir=output_dir,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        batch_size=batch_size,
        learning_rate=learning_rate,
        resume=resume,
        device=device,
        seed=seed,
        amp=amp,
        num_workers=num_workers,
        others={
            **options,
            **audit_options,
            **named(criterion),
            "val_interval": val_interval,
            "class_names": class_names,
        },
    )
    require_used(
        {**options, **audit_options},
        defaults_of(search_topology),
        criterion=criterion,
        pruning=pruning,
        method="dints",
    )
    every = val_interval or min(VAL_INTERVAL, epochs)
    plan = TopologySearchPlan(
        **options,  # type: ignore[arg-type]
        criterion=criterion,
        stability=topology_criterion(warmup_epochs),
        audit=audit_options,
    )
    check_steps(settings, warmup_epochs=warmup_epochs, architecture_every=architecture_every)
    halves, settings = read_halves(weights, architecture, settings, default=BATCH_SIZE)
    held_out = read_source(validation, "validation")[0]
    names = name_classes(class_names, held_out, halves["weights"])
    if names is None:
        raise OptionError("the data do not name their classes: pass class_names.")
    return run_topology_search(
        plan,
        {**halves, "validation": held_out},
        settings,
        class_names=names,
        interval=every,
        loss=loss or segmentation_loss(),
    )
