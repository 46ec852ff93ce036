"""Check that a planned search has architecture steps at all."""

from __future__ import annotations

__all__ = ["check_planned_steps", "planned_architecture_steps"]


def planned_architecture_steps(
    *, epochs: int, warmup_epochs: int, architecture_every: int, steps_per_epoch: int
) -> int:
    """Count the architecture steps of a search: every n-th step, without those of the warm-up."""
    if epochs <= warmup_epochs:
        return 0
    last, first = epochs * steps_per_epoch, warmup_epochs * steps_per_epoch
    return last // architecture_every - first // architecture_every


def check_planned_steps(
    *,
    epochs: int,
    warmup_epochs: int,
    architecture_every: int,
    steps_per_epoch: int | None,
) -> None:
    """Refuse a search that would never change an architecture parameter: its result is noise.

    Args:
        epochs: of the search.
        warmup_epochs: epochs at its start that train the weights alone.
        architecture_every: an architecture step after every n-th weight step.
        steps_per_epoch: weight steps an epoch; None while that depends on data not yet read.

    Raises:
        ValueError: naming the options and their values.
    """
    if architecture_every < 1:
        raise ValueError(f"architecture_every must be at least 1, got {architecture_every}.")
    steps = architecture_every if steps_per_epoch is None else steps_per_epoch
    if planned_architecture_steps(
        epochs=epochs,
        warmup_epochs=warmup_epochs,
        architecture_every=architecture_every,
        steps_per_epoch=steps,
    ):
        return
    if epochs <= warmup_epochs:
        raise ValueError(
            f"epochs is {epochs} and warmup_epochs is {warmup_epochs}: all of the search would be "
            "warm-up, and no architecture step would be made. Raise --epochs, or lower "
            "--warmup_epochs."
        )
    raise ValueError(
        f"architecture_every is {architecture_every}, but epochs {epochs} of {steps} steps "
        f"(steps_per_epoch) hold {(epochs - warmup_epochs) * steps} steps past warmup_epochs "
        f"{warmup_epochs}: no architecture step would be made. Lower "
        "--architecture_every, or raise --epochs."
    )
