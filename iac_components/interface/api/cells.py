"""The search of a cell around a trained network."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from iac_components.bundling.options import OptionError
from iac_components.engine import check_resume, run_until_signal
from iac_components.engine.stacks import CHECKPOINTS
from iac_components.interface.api.engines.audits import audit_of, defaults_of, named, require_used
from iac_components.interface.api.engines.components import Loss, cell_criterion, segmentation_loss
from iac_components.interface.api.engines.search_trainers import CellSearchPlan, cell_search_trainer
from iac_components.interface.api.inputs.batches import Batches
from iac_components.interface.api.inputs.sources import Source
from iac_components.interface.api.runs.arguments import RunSettings
from iac_components.interface.api.runs.frame import check_network, owned_folder, record_of
from iac_components.interface.api.runs.halves import check_steps, read_halves
from iac_components.networks import CellSearchNetwork, skip_modules
from iac_components.search import (
    DEFAULT_CRITERION,
    SearchTrace,
    StabilityCriterion,
    save_found_genotype,
)
from iac_components.search.audits.looks.settings import CostUnit
from iac_components.search_space import DEFAULT_OPERATIONS, Genotype
from iac_components.visualization import write_search_report

__all__ = ["search_cell"]

BATCH_SIZE = 8
LEARNING_RATE = 3e-3
AUDIT_LEARNING_RATE = 0.02
"""Around a frozen backbone that an audit judges: a cell that hardly opens is judged needless."""
WARMUP_EPOCHS = {True: 2, False: 5}
"""Epochs that train the weights alone, around a frozen backbone and around one that trains."""


def search_cell(
    network: nn.Module,
    weights: Source,
    architecture: Source,
    *,
    output_dir: str | Path,
    epochs: int = 200,
    steps_per_epoch: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    warmup_epochs: int | None = None,
    architecture_learning_rate: float = 0.04,
    architecture_every: int = 1,
    frozen_backbone: bool = True,
    operations: Sequence[str] = DEFAULT_OPERATIONS,
    num_nodes: int = 4,
    channel_divisor: int = 4,
    separate_levels: bool = False,
    sites: Sequence[str] = ("skips",),
    checkpointing: bool = False,
    pruning: bool = True,
    keep_schedule: Sequence[int] = (3, 1),
    edge_schedule: Sequence[int] = (2,),
    criterion: str | StabilityCriterion | None = DEFAULT_CRITERION,
    tolerance: float = 0.003,
    alpha: float = 0.05,
    images_a_patient: int = 4,
    audit_every: int | None = None,
    cost: CostUnit = "multiply_adds",
    max_cost: float | None = None,
    loss: Loss | None = None,
    resume: bool = False,
    device: str | torch.device | None = None,
    seed: int = 0,
    amp: bool | None = None,
    num_workers: int = 0,
) -> Genotype:
    """Search the cell of a network's skip connections or other sites; the network is not changed.

    ``output_dir`` gets ``genotype.json``, ``search_trace.csv``, pictures and checkpoints. Pruning
    deletes parts that have settled as losers or are not needed, and ends the search when one cell
    is left, or none. ``genotype.provenance["findings"]`` has the effect of each part of the cell,
    and how it was decided; ``["kind"]`` is ``searched`` if all of them were, else ``undecided``.

    Args:
        network: a U-shaped network that ``implant`` takes, trained, without cells.
        weights: a part of :func:`load_dataset`, a ``DataLoader``, or a ``Dataset`` or list of items
            with ``image`` (C, *S) and ``label`` (1, *S); it trains the weights.
        architecture: data that train the architecture, of other patients.
        output_dir: folder of the search, which no other run writes into.
        epochs: maximal length of the search.
        steps_per_epoch: steps of an epoch; None takes ``weights`` once.
        batch_size: images of a step; 8, or the loaders' own.
        learning_rate: of the cells' weights; 0.003, or 0.02 where an audit decides around a frozen
            backbone, since a cell must have opened before it is judged.
        warmup_epochs: epochs that only train the weights; 2 around a frozen backbone, else 5.
        architecture_learning_rate: of the architecture's parameters.
        architecture_every: steps of the weights for one of the architecture.
        frozen_backbone: do not train the network's own weights.
        operations: candidates of every edge.
        num_nodes: intermediate nodes of a cell.
        channel_divisor: K; operations see 1/K of every skip's channels, a multiple of K.
        separate_levels: search a cell for each place.
        sites: where cells are searched: ``skips``, at the ``bottleneck``, and at the outputs of the
            ``decoder``'s blocks; an AttentionUnet has only the first.
        checkpointing: less memory for more time.
        pruning: delete operations and inputs that have settled as losers.
        keep_schedule: counts of operations that a stable edge keeps.
        edge_schedule: counts of inputs that a stable node keeps.
        criterion: ``audit`` (parts that the loss does not need go; at least three patients in
            ``architecture``), ``stability`` (Jensen-Shannon divergence), ``floor`` (the same, with
            a floor of evidence) or ``both``; or an object. None stands for the default.
        tolerance: increase of the loss that does not matter.
        alpha: probability of any wrong deletion by evidence.
        images_a_patient: images of each patient of ``architecture`` on which parts are judged.
        audit_every: epochs between two looks of the audit; by default so many that the looks cost
            no more than the training of the weights.
        cost: unit of cost by which the audit chooses among equals.
        max_cost: upper bound of the cost of inference with cells over the plain network's.
        loss: of logits and labels.
        resume: start from the newest checkpoint, if there is one of this search.
        device: of the computation; the GPU if there is one, else the CPU.
        seed: of all random numbers; it also sets Python's, NumPy's and torch's generators.
        amp: mixed precision (bfloat16 on a CPU); None turns it on with CUDA.
        num_workers: processes that load data.

    Raises:
        OptionError: if an argument is not allowed, or network and data do not fit.
        DatasetError: if both parts share a patient.
        FolderInUseError: if another process writes into ``output_dir``.
        CheckpointError: if ``resume`` finds the checkpoint of another search.

    Example:
        >>> genotype = iac.search_cell(
        ...     plain,
        ...     data.weights,
        ...     data.architecture,
        ...     output_dir="runs/search",
        ...     epochs=2,
        ...     steps_per_epoch=1,
        ...     warmup_epochs=1,
        ... )
        >>> genotype.provenance["findings"]["criterion"]
        'audit'
    """
    criterion = DEFAULT_CRITERION if criterion is None else criterion
    warmup = WARMUP_EPOCHS[bool(frozen_backbone)] if warmup_epochs is None else warmup_epochs
    audited = criterion in ("audit", "both") and frozen_backbone
    if learning_rate is None:
        learning_rate = AUDIT_LEARNING_RATE if audited else LEARNING_RATE
    options: dict[str, object] = {
        "warmup_epochs": warmup,
        "architecture_learning_rate": architecture_learning_rate,
        "architecture_every": architecture_every,
        "pruning": pruning,
        "keep_schedule": keep_schedule,
        "edge_schedule": edge_schedule,
    }
    audit_options: dict[str, object] = {
        "tolerance": tolerance,
        "alpha": alpha,
        "images_a_patient": images_a_patient,
        "audit_every": audit_every,
        "cost": cost,
        "max_cost": max_cost,
    }
    space: dict[str, object] = {
        "operations": operations,
        "num_nodes": num_nodes,
        "channel_divisor": channel_divisor,
        "separate_levels": separate_levels,
        "sites": sites,
        "frozen_backbone": frozen_backbone,
        "checkpointing": checkpointing,
    }
    settings = RunSettings.checked(
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
        others={**options, **space, **audit_options, **named(criterion)},
    )
    require_used(
        {**options, **audit_options}, defaults_of(search_cell), criterion=criterion, pruning=pruning
    )
    plan = CellSearchPlan(
        **options,  # type: ignore[arg-type]
        criterion=criterion,
        stability=cell_criterion(warmup),
        audit=audit_options,
        loss=loss or segmentation_loss(),
    )
    check_steps(settings, warmup_epochs=warmup, architecture_every=architecture_every)
    halves, settings = read_halves(weights, architecture, settings, default=BATCH_SIZE)
    if skip_modules(network):
        kind = type(network).__name__
        raise OptionError(f"{kind} holds cells already: search with the plain network.")
    with owned_folder(settings.output_dir, seed=seed) as folder:
        supernet = _supernet(network, halves["weights"], settings, space)
        others = plan.identity() | {"space": space}
        record = record_of("cell search", supernet, settings, parts=halves, others=others)
        check_resume(folder / CHECKPOINTS, record, resume=resume)
        trace = SearchTrace(supernet.space)
        audit = audit_of(supernet, halves["architecture"], settings, plan)
        trainer = cell_search_trainer(
            supernet, halves, settings, plan, trace=trace, audit=audit, record=record
        )
        check_steps(
            replace(settings, steps_per_epoch=trainer.state.epoch_length),
            warmup_epochs=plan.warmup_epochs,
            architecture_every=plan.architecture_every,
        )
        run_until_signal(trainer)
        genotype = save_found_genotype(
            folder / "genotype.json",
            supernet,
            trace=trace,
            settings={"backbone": type(network).__name__, **record.options},
            record=record,
            audit=audit,
        )
        write_search_report(folder / "search_trace.csv", output_dir=folder)
    return genotype


def _supernet(
    network: nn.Module, batches: Batches, settings: RunSettings, space: dict[str, object]
) -> CellSearchNetwork:
    """Put search cells into a copy of the network, on the run's device."""
    check_network(network, batches.shape, class_names=batches.class_names)
    own, shape = copy.deepcopy(network), (1, *batches.shape)
    supernet = CellSearchNetwork(own, input_shape=shape, **space)  # type: ignore[arg-type]
    supernet.to(settings.device)
    if settings.device.type == "cuda" and supernet.space.spatial_dims == 2:
        supernet.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return supernet
