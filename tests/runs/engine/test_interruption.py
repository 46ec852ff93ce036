"""Signals end a run after the running step, and a resume finds what would have been found."""

from __future__ import annotations

import signal
import threading

import pytest
import torch
from ignite.engine import Events
from monai.engines import SupervisedEvaluator
from monai.handlers import ValidationHandler
from torch import nn

from iac_components.engine import (
    EpochSeeding,
    FinalModel,
    ResumableCheckpoint,
    RunProgress,
    run_until_signal,
)

ENDS = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: SystemExit}


def losses_of(trainer):
    trainer.losses = []
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED, lambda e: trainer.losses.append(float(e.state.output["loss"]))
    )


@pytest.fixture
def make(make_trainer, tmp_path):
    """Return a function that makes a trainer of four steps an epoch with checkpoints."""

    def build(*, epochs=5, resume=False, every=1, folder=tmp_path / "run"):
        trainer = make_trainer([RunProgress()], epochs=epochs)
        EpochSeeding([trainer.data_loader]).attach(trainer)
        trainer.final = folder / "final.pt"
        FinalModel(trainer.final, trainer.network).attach(trainer)
        save_dict = {"network": trainer.network, "optimizer": trainer.optimizer}
        saver = ResumableCheckpoint(folder / "checkpoints", save_dict, resume=resume, every=every)
        saver.attach(trainer)
        trainer.saved = lambda: [epoch for epoch, _ in saver.found()]
        losses_of(trainer)
        return trainer

    return build


def signal_at(trainer, number, event, **when):
    trainer.add_event_handler(event(**when), lambda engine: signal.raise_signal(number))


@pytest.mark.parametrize("number", ENDS)
@pytest.mark.parametrize("every", [1, 2, 100])
@pytest.mark.parametrize("step", [1, 3, 4, 5, 6, 11, 12, 20])
def test_resumed_run_is_the_uninterrupted_one(make, tmp_path, capfd, number, every, step):
    straight = make(folder=tmp_path / "straight")
    straight.run()
    first = make(every=every)
    signal_at(first, number, Events.ITERATION_STARTED, once=step)
    capfd.readouterr()
    with pytest.raises(ENDS[number]) as caught:
        run_until_signal(first)
    assert caught.type is KeyboardInterrupt or caught.value.code == 128 + number
    # The running step was done and no other; an epoch's last step ends the epoch.
    assert len(first.losses) == step
    whole = step // 4
    assert first.saved()[0] == whole
    assert not first.final.exists()
    (line,) = [text for text in capfd.readouterr().err.splitlines() if text.startswith("Ended by")]
    assert number.name in line
    assert f"checkpoint_epoch={whole}.pt" in line
    assert "--resume True" in line

    second = make(every=every, resume=True)
    run_until_signal(second)
    assert first.losses[: 4 * whole] + second.losses == straight.losses
    for one, other in zip(second.network.parameters(), straight.network.parameters(), strict=True):
        assert torch.equal(one, other)
    assert second.final.exists()


def validated(make, tmp_path, number=None, **options):
    """A trainer that validates three cases an epoch, and perhaps is stopped in the second case."""
    trainer = make(epochs=3, **options)
    validator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=[{"image": torch.ones(1, 4), "label": torch.ones(1, 1)}] * 3,
        network=nn.Identity(),
        decollate=False,
    )
    trainer.validated = []
    validator.add_event_handler(
        Events.COMPLETED, lambda engine: trainer.validated.append(trainer.state.epoch)
    )
    # Validation comes before the checkpoint, as in the bundles.
    trainer.remove_event_handler(
        handler := next(
            h
            for h, *_ in trainer._event_handlers[Events.EPOCH_COMPLETED]
            if getattr(h, "__name__", "") == "save"
        ),
        Events.EPOCH_COMPLETED,
    )
    ValidationHandler(1, validator).attach(trainer)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, handler)
    if number is not None:
        signal_at(validator, number, Events.ITERATION_STARTED, once=2)
    return trainer, validator


@pytest.mark.parametrize("number", ENDS)
def test_signal_during_validation_gives_the_epoch_up(make, tmp_path, number):
    trainer, validator = validated(make, tmp_path, number)
    with pytest.raises(ENDS[number]):
        run_until_signal(trainer, [validator])
    assert validator.state.iteration == 2
    assert trainer.validated == []
    assert trainer.saved() == [0]
    again, validator = validated(make, tmp_path, resume=True)
    run_until_signal(again, [validator])
    assert again.validated == [1, 2, 3]
    assert trainer.losses == again.losses[:4]


@pytest.mark.parametrize("number", ENDS)
def test_evaluator_ends_after_the_case(capfd, number):
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=[{"image": torch.ones(1, 4)}] * 3,
        network=nn.Identity(),
        decollate=False,
    )
    done = []
    evaluator.add_event_handler(Events.ITERATION_COMPLETED, lambda e: done.append(1))
    evaluator.add_event_handler(Events.COMPLETED, lambda e: done.append("completed"))
    signal_at(evaluator, number, Events.ITERATION_STARTED, once=2)
    with pytest.raises(ENDS[number]):
        run_until_signal(evaluator)
    assert done == [1, 1]
    assert f"Ended by {number.name} after case 2 of 3" in capfd.readouterr().err


TORCH_SAYS = [
    RuntimeError("DataLoader worker (pid 71) is killed by signal: Terminated. "),
    RuntimeError("DataLoader worker (pid(s) 71, 72) exited unexpectedly"),
    EOFError(),
    ConnectionResetError(),
]


def fail_at(trainer, step, error, *, number=None):
    def fail(engine):
        if number is not None:
            signal.raise_signal(number)
        raise error

    trainer.add_event_handler(Events.ITERATION_STARTED(once=step), fail)


@pytest.mark.parametrize("error", TORCH_SAYS, ids=repr)
def test_signal_that_ends_the_workers_too(make, tmp_path, capfd, error):
    """Sent to a group of processes, SIGTERM reaches those that load data, and torch raises."""
    trainer = make(every=100)
    fail_at(trainer, 7, error, number=signal.SIGTERM)
    before = signal.getsignal(signal.SIGCHLD)
    with pytest.raises(SystemExit, match="143"):
        run_until_signal(trainer)
    assert signal.signal(signal.SIGCHLD, before) == signal.SIG_DFL
    assert "Ended by SIGTERM in epoch 2 of 5: saved " in capfd.readouterr().err
    assert trainer.saved() == [1]
    again, whole = make(resume=True), make(folder=tmp_path / "whole")
    run_until_signal(again)
    run_until_signal(whole)
    assert trainer.losses[:4] + again.losses == whole.losses


@pytest.mark.parametrize(
    ("error", "number"),
    [(TORCH_SAYS[0], None), (EOFError(), None), (RuntimeError("Other"), signal.SIGTERM)],
)
def test_other_errors_are_raised(make, error, number):
    trainer = make()
    fail_at(trainer, 7, error, number=number)
    with pytest.raises(type(error)):
        run_until_signal(trainer)
    assert not trainer.final.exists()


def test_signal_after_the_last_step(make, capfd):
    trainer = make(epochs=1)
    trainer.add_event_handler(Events.COMPLETED, lambda e: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(SystemExit):
        run_until_signal(trainer)
    assert "after the last step" in capfd.readouterr().err
    assert trainer.saved() == [1]
    assert trainer.final.exists()


def test_decided_search_stays_decided(make):
    """A run that ends itself is not taken for an interrupted one."""
    trainer = make()
    trainer.add_event_handler(Events.EPOCH_COMPLETED(once=2), lambda engine: engine.terminate())
    run_until_signal(trainer)
    assert trainer.final.exists()


def test_run_without_checkpoints_says_so(make_trainer, capfd):
    trainer = make_trainer()
    signal_at(trainer, signal.SIGTERM, Events.ITERATION_STARTED, once=2)
    with pytest.raises(SystemExit):
        run_until_signal(trainer)
    assert "nothing was saved" in capfd.readouterr().err


def test_handlers_are_put_back(make):
    before = [signal.getsignal(number) for number in ENDS]
    trainer = make(epochs=1)
    handlers = len(trainer._event_handlers[Events.ITERATION_COMPLETED])
    run_until_signal(trainer)
    assert [signal.getsignal(number) for number in ENDS] == before
    assert len(trainer._event_handlers[Events.ITERATION_COMPLETED]) == handlers
    signal_at(trainer, signal.SIGTERM, Events.ITERATION_STARTED, once=1)
    with pytest.raises(SystemExit):
        run_until_signal(make_and_signal(make))
    assert [signal.getsignal(number) for number in ENDS] == before


def make_and_signal(make):
    trainer = make(epochs=1)
    signal_at(trainer, signal.SIGTERM, Events.ITERATION_STARTED, once=1)
    return trainer


def test_thread_of_a_client(make):
    """Python allows no handler there: the run works, and signals are its program's."""
    trainer = make(epochs=2)
    before = [signal.getsignal(number) for number in ENDS]
    thread = threading.Thread(target=run_until_signal, args=(trainer,))
    thread.start()
    thread.join()
    assert trainer.saved() == [2, 1]
    assert [signal.getsignal(number) for number in ENDS] == before


def test_error_of_a_run_is_its_own(make):
    trainer = make()
    trainer.add_event_handler(Events.ITERATION_COMPLETED(once=2), lambda e: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_until_signal(trainer)
