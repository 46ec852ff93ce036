"""Steps with NaN or infinity are skipped and counted; several in a row end the run."""

from __future__ import annotations

import logging

import pytest
import torch
from ignite.engine import Events
from monai.engines import IterationEvents

from iac_components.engine import NonFiniteGuard, NonFiniteLossError
from iac_components.engine.steps.mixed_precision import use_bfloat16_on_cpu


def run(make_trainer, guard, fault, iterations, epochs=3):
    """Train with a fault in some iterations; returns those in which no weight moved."""
    trainer = make_trainer(epochs=epochs)
    parameters, still = list(trainer.network.parameters()), []

    @trainer.on(Events.ITERATION_STARTED)
    def note(engine):
        engine.before = [p.detach().clone() for p in parameters]

    if fault == "loss":
        function = trainer.loss_function
        trainer.loss_function = lambda prediction, label: (
            function(prediction, label)
            * (float("nan") if trainer.state.iteration in iterations else 1)
        )
    else:

        @trainer.on(IterationEvents.BACKWARD_COMPLETED)
        def spoil(engine):
            if engine.state.iteration in iterations:
                parameters[0].grad[0, 0] = float(fault)

    guard.attach(trainer)

    @trainer.on(Events.ITERATION_COMPLETED)
    def compare(engine):
        if all(torch.equal(p, b) for p, b in zip(parameters, engine.before, strict=True)):
            still.append(engine.state.iteration)

    trainer.run()
    return still


@pytest.mark.parametrize("fault", ["loss", "nan", "inf", "-inf"])
def test_skipped_and_counted(make_trainer, caplog, fault):
    guard = NonFiniteGuard(patience=3)
    with caplog.at_level(logging.WARNING):
        assert run(make_trainer, guard, fault, {2, 3, 7}) == [2, 3, 7]
    assert guard.total == 3
    assert guard.in_a_row == 0
    assert "3 steps were skipped" in caplog.text


@pytest.mark.parametrize("patience", [1, 2, 5])
def test_patience(make_trainer, patience):
    guard = NonFiniteGuard(patience)
    with pytest.raises(NonFiniteLossError, match=rf"{patience} steps in a row.*preflight"):
        run(make_trainer, guard, "loss", set(range(3, 99)))
    assert guard.total == patience


@pytest.mark.parametrize("amp", [True, False])
def test_mixed_precision_is_named_where_it_may_be_the_cause(make_trainer, amp):
    trainer = make_trainer()
    trainer.amp = amp
    use_bfloat16_on_cpu(trainer)
    trainer.loss_function = lambda prediction, _: prediction.sum() * float("nan")
    NonFiniteGuard(1).attach(trainer)
    with pytest.raises(NonFiniteLossError) as caught:
        trainer.run()
    assert ("--amp false" in str(caught.value)) == amp


def test_good_run_is_not_disturbed(make_trainer, caplog):
    guarded, plain = make_trainer([NonFiniteGuard()]), make_trainer()
    for trainer in (guarded, plain):
        torch.manual_seed(3)
        trainer.run()
    for one, other in zip(guarded.network.parameters(), plain.network.parameters(), strict=True):
        assert torch.equal(one, other)
    assert "skipped" not in caplog.text


def test_bad_patience():
    with pytest.raises(ValueError, match="patience must be at least 1"):
        NonFiniteGuard(0)
