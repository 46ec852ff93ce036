"""Checkpoints: what is written, what is kept, and what a resume takes over."""

from __future__ import annotations

import math

import pytest
import torch
from ignite.engine import Engine, Events

from iac_components.engine import BestScore, CheckpointError, EpochSeeding, ResumableCheckpoint


def trainer_with(make_trainer, folder, *, epochs=3, resume=False, width=4, **options):
    trainer = make_trainer(epochs=epochs, width=width)
    EpochSeeding([trainer.data_loader]).attach(trainer)
    trainer.best = BestScore()
    save_dict = {"network": trainer.network, "optimizer": trainer.optimizer, "best": trainer.best}
    ResumableCheckpoint(folder, save_dict, resume=resume, **options).attach(trainer)
    trainer.losses = []
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED, lambda e: trainer.losses.append(e.state.output["loss"].item())
    )
    return trainer


def epochs_in(folder):
    return sorted(int(path.stem.partition("=")[2]) for path in folder.iterdir())


@pytest.mark.parametrize("stop", range(1, 5))
def test_resumed_training_is_the_same_to_the_bit(make_trainer, tmp_path, stop):
    straight = trainer_with(make_trainer, tmp_path / "straight", epochs=5)
    straight.run()
    first = trainer_with(make_trainer, tmp_path / "cut", epochs=stop)
    first.run()
    second = trainer_with(make_trainer, tmp_path / "cut", epochs=5, resume=True)
    second.run()
    assert first.losses + second.losses == straight.losses
    assert second.state.iteration == straight.state.iteration == 20
    for one, other in zip(second.network.parameters(), straight.network.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("every", "keep", "expected"), [(1, 2, [4, 5]), (2, 9, [2, 4, 5]), (1, 1, [5]), (9, 1, [5])]
)
def test_which_epochs_are_kept(make_trainer, tmp_path, every, keep, expected):
    trainer_with(make_trainer, tmp_path, epochs=5, every=every, keep=keep).run()
    assert epochs_in(tmp_path) == expected


def test_epoch_that_ends_the_run_is_saved(make_trainer, tmp_path):
    trainer = make_trainer(epochs=9)
    trainer.add_event_handler(Events.EPOCH_COMPLETED(once=2), lambda engine: engine.terminate())
    ResumableCheckpoint(tmp_path, {"network": trainer.network}, every=5).attach(trainer)
    trainer.run()
    content = torch.load(tmp_path / "checkpoint_epoch=2.pt", weights_only=True)
    assert (content["ended"], content["epoch"], content["iteration"]) == (True, 2, 8)


def test_order_is_by_number(make_trainer, tmp_path):
    for name in ("2", "10", "9", "x", "3.old"):
        (tmp_path / f"checkpoint_epoch={name}.pt").touch()
    (tmp_path / "checkpoint_epoch=12.pt").mkdir()
    (tmp_path / ".checkpoint_epoch=11.pt.abc.tmp").touch()
    assert [epoch for epoch, _ in ResumableCheckpoint(tmp_path, {}).found()] == [10, 9, 2]


def test_without_resume_nothing_is_taken_over(make_trainer, tmp_path):
    first = trainer_with(make_trainer, tmp_path, epochs=1)
    first.run()
    second = trainer_with(make_trainer, tmp_path, epochs=1)
    second.run()
    assert second.losses == first.losses


def test_nothing_to_resume_starts_afresh(make_trainer, tmp_path, caplog):
    with caplog.at_level("INFO", logger="iac_components.checkpoint"):
        trainer = trainer_with(make_trainer, tmp_path / "absent", epochs=1, resume=True)
        trainer.run()
    assert len(trainer.losses) == 4
    assert "Nothing to resume" in caplog.text


def test_score_survives(make_trainer, tmp_path):
    first = trainer_with(make_trainer, tmp_path, epochs=1)
    first.best.beaten_by(0.7)
    first.run()
    second = trainer_with(make_trainer, tmp_path, epochs=2, resume=True)
    second.run()
    assert second.best.value == 0.7


def test_score_of_no_validation_survives(make_trainer, tmp_path):
    trainer_with(make_trainer, tmp_path, epochs=1).run()
    second = trainer_with(make_trainer, tmp_path, epochs=2, resume=True)
    second.run()
    assert second.best.value == -math.inf


def one_line(caught, path):
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert len(message) < 600


def test_checkpoint_of_another_run(make_trainer, tmp_path):
    trainer_with(make_trainer, tmp_path, epochs=1, width=64).run()
    path = tmp_path / "checkpoint_epoch=1.pt"
    with pytest.raises(CheckpointError, match=r"'network' was saved with other settings") as caught:
        trainer_with(make_trainer, tmp_path, epochs=2, resume=True, width=8).run()
    one_line(caught, path)
    other = make_trainer(epochs=2)
    ResumableCheckpoint(tmp_path, {"net": other.network}, resume=True).attach(other)
    with pytest.raises(CheckpointError, match="is of another run") as caught:
        other.run()
    one_line(caught, path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("objects", 3),
        ("objects", {"network": 3, "optimizer": {}, "best": {}}),
        ("objects", {"network": None, "optimizer": None, "best": None}),
    ],
)
def test_whole_file_of_wrong_content(make_trainer, tmp_path, key, value):
    trainer_with(make_trainer, tmp_path, epochs=1).run()
    path = tmp_path / "checkpoint_epoch=1.pt"
    content = torch.load(path, weights_only=True)
    content[key] = value
    torch.save(content, path)
    with pytest.raises(CheckpointError) as caught:
        trainer_with(make_trainer, tmp_path, epochs=2, resume=True).run()
    one_line(caught, path)


@pytest.mark.parametrize("key", ["format", "epoch", "iteration", "ended", "scaler", "objects"])
def test_file_that_lacks_a_field_is_none_of_ours(make_trainer, tmp_path, caplog, key):
    trainer_with(make_trainer, tmp_path, epochs=1).run()
    path = tmp_path / "checkpoint_epoch=1.pt"
    content = torch.load(path, weights_only=True)
    del content[key]
    torch.save(content, path)
    trainer = trainer_with(make_trainer, tmp_path, epochs=1, resume=True)
    trainer.run()
    assert len(trainer.losses) == 4  # afresh
    assert f"'{path}' is not a checkpoint of ours" in caplog.text


def test_fresh_run_clears_what_an_older_run_left_ahead(make_trainer, tmp_path):
    """Else it would delete its own files as the oldest, and a resume would take the old run's."""
    trainer_with(make_trainer, tmp_path, epochs=5).run()
    trainer_with(make_trainer, tmp_path, epochs=2).run()
    assert epochs_in(tmp_path) == [1, 2]


def test_plain_ignite_engine_will_do(tmp_path):
    """No scaler, no optimizer: only the state counts."""
    best = BestScore()
    for resume in (False, True):
        engine = Engine(lambda engine, batch: None)
        ResumableCheckpoint(tmp_path, {"best": best}, resume=resume).attach(engine)
        engine.run([1, 2], max_epochs=2)
    assert engine.state.epoch == 2


@pytest.mark.parametrize("options", [{"every": 0}, {"keep": 0}])
def test_bad_counts(tmp_path, options):
    with pytest.raises(ValueError, match="every and keep must be at least 1"):
        ResumableCheckpoint(tmp_path, {}, **options)
