"""Engines of a run, composed as in the bundles' configs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.inferers import SimpleInferer
from torch import nn

from iac_components.engine import BestScore, RunRecord
from iac_components.evaluation import PatientDice
from iac_components.interface.api.engines.components import Loss, cosine_schedule, weight_optimizer
from iac_components.interface.api.engines.handlers import (
    TrainedParts,
    training_handlers,
    validation_handlers,
)
from iac_components.interface.api.inputs.batches import Batches
from iac_components.interface.api.runs.arguments import RunSettings

__all__ = ["HeldOut", "scoring_engine", "training_engines"]


@dataclass(frozen=True)
class HeldOut:
    """Cases that a training is validated with.

    Attributes:
        batches: the cases.
        class_names: names of the foreground classes.
        interval: epochs between validations.
    """

    batches: Batches | None
    class_names: Sequence[str]
    interval: int


def training_engines(
    network: nn.Module,
    batches: Batches,
    held_out: HeldOut,
    settings: RunSettings,
    *,
    loss: Loss,
    record: RunRecord,
) -> tuple[SupervisedTrainer, SupervisedEvaluator | None]:
    """Return the trainer of a training, and the evaluator that chooses the best weights.

    Volumes are read here, if they are not in a cache.

    Args:
        network: on its device.
        batches: training data.
        held_out: validation data.
        settings: of the run.
        loss: of logits and labels.
        record: of the run.
    """
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = weight_optimizer(trained, settings.learning_rate)
    schedule = cosine_schedule(optimizer, settings.epochs)
    parts = TrainedParts(network, optimizer, schedule, BestScore(), record)
    validator = None
    if held_out.batches is not None:
        validator = scoring_engine(
            network,
            held_out.batches,
            settings,
            class_names=held_out.class_names,
            handlers=validation_handlers(parts, settings.output_dir),
        )
    loader = batches.loader(
        batch_size=settings.batch_size, seed=settings.seed, num_workers=settings.num_workers
    )
    handlers = training_handlers(
        parts,
        loader=loader,
        seed=settings.seed,
        validator=validator,
        val_interval=held_out.interval,
        output_dir=settings.output_dir,
        resume=settings.resume,
    )
    trainer = SupervisedTrainer(
        device=settings.device,
        max_epochs=settings.epochs,
        epoch_length=settings.steps_per_epoch,
        train_data_loader=loader,
        network=network,
        optimizer=optimizer,
        loss_function=loss,
        inferer=SimpleInferer(),
        train_handlers=handlers,
        amp=settings.amp,
        decollate=False,
        optim_set_to_none=True,
    )
    return trainer, validator


def scoring_engine(
    network: nn.Module,
    batches: Batches,
    settings: RunSettings,
    *,
    class_names: Sequence[str],
    handlers: Sequence[object],
) -> SupervisedEvaluator:
    """Return the evaluator of a run, whose ``val_mean_dice`` is the Dice that is reported.

    Args:
        network: on its device.
        batches: the cases.
        settings: of the run.
        class_names: names of the foreground classes.
        handlers: of the evaluator.
    """
    scoring = batches.scoring(num_workers=settings.num_workers)
    return SupervisedEvaluator(
        device=settings.device,
        val_data_loader=scoring.loader,
        network=network,
        inferer=scoring.inferer,
        postprocessing=scoring.postprocessing,
        key_val_metric={"val_mean_dice": PatientDice(class_names)},
        val_handlers=handlers,
        amp=settings.amp,
    )
