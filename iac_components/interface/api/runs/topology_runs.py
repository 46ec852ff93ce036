"""Run of a topology search with settled arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from iac_components.dints import (
    DintsArchitecture,
    DintsSearchNetwork,
    save_found_architecture,
)
from iac_components.engine import check_resume, run_until_signal
from iac_components.engine.stacks import CHECKPOINTS
from iac_components.interface.api.engines.components import Loss
from iac_components.interface.api.engines.topology_plan import TopologySearch, TopologySearchPlan
from iac_components.interface.api.engines.topology_trainers import topology_engines
from iac_components.interface.api.inputs.batches import Batches
from iac_components.interface.api.runs.arguments import RunSettings
from iac_components.interface.api.runs.frame import owned_folder, record_of
from iac_components.interface.api.runs.halves import check_steps
from iac_components.visualization import write_dints_report

__all__ = ["run_topology_search"]


def run_topology_search(
    plan: TopologySearchPlan,
    parts: Mapping[str, Batches],
    settings: RunSettings,
    *,
    class_names: Sequence[str],
    interval: int,
    loss: Loss,
) -> DintsArchitecture:
    """Search a topology, and write all results.

    Args:
        plan: how it is searched.
        parts: ``weights``, ``architecture`` and ``validation``.
        settings: of the run.
        class_names: names of the foreground classes.
        interval: epochs between validations.
        loss: of logits and labels.

    Raises:
        BudgetError: if no architecture fits the budget.
        ValueError: if a patch does not fit the space.
    """
    channels, *sizes = parts["weights"].shape
    space = plan.space(sizes)
    with owned_folder(settings.output_dir, seed=settings.seed) as folder:
        network = DintsSearchNetwork(space, in_channels=channels, out_channels=len(class_names) + 1)
        search = TopologySearch.around(
            network.to(settings.device),
            plan,
            items=parts["architecture"].judged(seed=settings.seed + 1),
            input_shape=(settings.batch_size or 1, channels, *sizes),
            loss=loss,
            path=folder / "architecture.json",
        )
        others = {**plan.identity(), "loss": loss}
        record = record_of("topology search", network, settings, parts=parts, others=others)
        check_resume(folder / CHECKPOINTS, record, resume=settings.resume)
        trainer, validator = topology_engines(
            search,
            parts,
            settings,
            class_names=class_names,
            interval=interval,
            record=record,
        )
        check_steps(
            replace(settings, steps_per_epoch=trainer.state.epoch_length),
            warmup_epochs=plan.warmup_epochs,
            architecture_every=plan.architecture_every,
        )
        run_until_signal(trainer, [validator])
        found = save_found_architecture(
            folder / "architecture.json",
            network,
            trace=search.trace,
            settings=record.options,
            budget=search.budget,
            best=search.best,
            record=record,
            audit=search.audit,
        )
        write_dints_report(folder)
    return found
