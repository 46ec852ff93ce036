"""Training of a network, plain or with cells."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from iac_components.bundling.options import OptionError
from iac_components.engine import check_resume, run_until_signal
from iac_components.engine.stacks import CHECKPOINTS
from iac_components.interface.api.engines.components import Loss, segmentation_loss
from iac_components.interface.api.engines.trainers import HeldOut, training_engines
from iac_components.interface.api.inputs.sources import Source, read_source
from iac_components.interface.api.runs.arguments import RunSettings
from iac_components.interface.api.runs.frame import (
    check_network,
    name_classes,
    number_classes,
    owned_folder,
    record_of,
)
from iac_components.networks import load_weights, write_complexity

__all__ = ["train"]

_LOGGER = logging.getLogger("iac_components.engine")

BATCH_SIZE = 16
VAL_INTERVAL = 5


def train(
    network: nn.Module,
    train: Source,
    validation: Source | None = None,
    *,
    output_dir: str | Path,
    epochs: int = 100,
    steps_per_epoch: int | None = None,
    batch_size: int | None = None,
    learning_rate: float = 1e-3,
    val_interval: int | None = None,
    loss: Loss | None = None,
    class_names: Sequence[str] | None = None,
    resume: bool = False,
    device: str | torch.device | None = None,
    seed: int = 0,
    amp: bool | None = None,
    num_workers: int = 0,
) -> nn.Module:
    """Train a network in place, and load its best weights.

    AdamW with a cosine schedule, Dice and cross entropy; the weights of the validation with the
    best mean Dice over patients are kept. ``output_dir`` gets ``model.pt`` (the best),
    ``model_final.pt``, ``network.json`` and the checkpoints.

    Args:
        network: any ``nn.Module`` from (B, C, *S) to logits (B, classes, *S). Parameters without
            ``requires_grad`` are not changed.
        train: a part of :func:`load_dataset`, a ``DataLoader``, or a ``Dataset`` or list of items
            with ``image`` (C, *S) and ``label`` (1, *S).
        validation: likewise; None keeps the last weights.
        output_dir: folder of the run, which no other run writes into.
        epochs: length of the run.
        steps_per_epoch: steps of an epoch; None takes the data once.
        batch_size: images of a step; 16, or the loader's own.
        learning_rate: initial one.
        val_interval: epochs between validations and checkpoints; 5, or ``epochs`` if fewer.
        loss: of logits and labels, such as ``StackedSupervisionLoss`` for deep supervision; by
            default Dice and cross entropy, Dice of slices over the batch.
        class_names: names of the foreground classes, if the data do not have them.
        resume: start from the newest checkpoint, if there is one of this run.
        device: of the computation; the GPU if there is one, else the CPU.
        seed: of all random numbers; it also sets Python's, NumPy's and torch's generators.
        amp: mixed precision (bfloat16 on a CPU); None turns it on with CUDA.
        num_workers: processes that load data.

    Returns:
        ``network``, in eval mode and on ``device``.

    Raises:
        OptionError: if an argument is not allowed, or network and data do not fit.
        FolderInUseError: if another process writes into ``output_dir``.
        CheckpointError: if ``resume`` finds the checkpoint of another run.
        NonFiniteLossError: if losses stay NaN or infinite.

    Example:
        >>> plain = iac.train(
        ...     network, data.train, data.validation, output_dir="runs/plain", epochs=1
        ... )
    """
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
        others={"val_interval": val_interval, "class_names": class_names},
    )
    every = val_interval or min(VAL_INTERVAL, epochs)
    batches, size = read_source(
        train, "train", batch_size=batch_size, default=BATCH_SIZE, num_workers=num_workers
    )
    settings = replace(settings, batch_size=size)
    held_out = None if validation is None else read_source(validation, "validation")[0]
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise OptionError(f"{type(network).__name__} has no parameter to train.")
    network.to(settings.device)
    names = name_classes(class_names, held_out, batches)
    outputs = check_network(network, batches.shape, class_names=names)
    if held_out is not None:
        check_network(network, held_out.window, class_names=names, option="patch_size")
    loss = loss or segmentation_loss(over_batch=len(batches.shape) == 3)
    parts = {"train": batches} if held_out is None else {"train": batches, "validation": held_out}
    record = record_of("training", network, settings, parts=parts, others={"loss": loss})
    with owned_folder(settings.output_dir, seed=seed) as folder:
        check_resume(folder / CHECKPOINTS, record, resume=resume)
        shape, kind = (1, *batches.shape), type(network).__name__
        write_complexity(folder / "network.json", network, input_shape=shape, kind=kind)
        scored = HeldOut(held_out, names or number_classes(outputs), every)
        trainer, validator = training_engines(
            network, batches, scored, settings, loss=loss, record=record
        )
        run_until_signal(trainer, [] if validator is None else [validator])
        if validator is not None:
            _take_best(network, folder / "model.pt")
    return network.eval()


def _take_best(network: nn.Module, path: Path) -> None:
    """Load the weights of the best validation; without any, the last ones stay."""
    if path.exists():
        load_weights(network, path)
    else:
        _LOGGER.warning("No validation gave a finite Dice: the network keeps its last weights.")
