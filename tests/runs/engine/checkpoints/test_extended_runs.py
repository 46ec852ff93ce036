"""A run that is extended follows the schedule of its new length."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Events

from iac_components.engine import (
    ResumableCheckpoint,
    RunRecord,
)

SCHEDULES = {
    "cosine": lambda optimizer, n: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n),
    "polynomial": lambda optimizer, n: torch.optim.lr_scheduler.PolynomialLR(optimizer, n, 0.9),
    "warm-up": lambda optimizer, n: torch.optim.lr_scheduler.LinearLR(
        optimizer, 0.1, 1.0, total_iters=n
    ),
    "constant": lambda optimizer, n: torch.optim.lr_scheduler.StepLR(optimizer, 2),
}


def rates_of(make_trainer, folder, schedule, *, epochs, resume=False):
    """The rate of each epoch of a run."""
    trainer = make_trainer(epochs=epochs)
    scheduler = SCHEDULES[schedule](trainer.optimizer, epochs)
    rates = []
    trainer.add_event_handler(
        Events.EPOCH_STARTED, lambda e: rates.append(trainer.optimizer.param_groups[0]["lr"])
    )
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda e: scheduler.step())
    save_dict = {"optimizer": trainer.optimizer, "lr_scheduler": scheduler}
    record = RunRecord(epochs=epochs)
    ResumableCheckpoint(folder, save_dict, resume=resume, record=record).attach(trainer)
    trainer.run()
    return rates, record


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("first", "then"), [(3, 8), (4, 5)])
def test_extended_run_follows_the_schedule_of_its_new_length(
    make_trainer, tmp_path, schedule, first, then
):
    straight, _ = rates_of(make_trainer, tmp_path / "straight", schedule, epochs=then)
    rates_of(make_trainer, tmp_path / "cut", schedule, epochs=first)
    extended, record = rates_of(make_trainer, tmp_path / "cut", schedule, epochs=then, resume=True)
    assert extended == straight[first:]
    assert record.extensions == [{"after_epoch": first, "from": first, "to": then}]
    # Known to whatever is resumed from there, and not counted again.
    _, record = rates_of(make_trainer, tmp_path / "cut", schedule, epochs=then, resume=True)
    assert record.extensions == [{"after_epoch": first, "from": first, "to": then}]
