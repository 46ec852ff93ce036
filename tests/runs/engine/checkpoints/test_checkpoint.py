"""Checkpoints: what is written, what is kept, and what a resume takes over."""

from __future__ import annotations

import math

import pytest
import torch
from ignite.engine import Events

from iac_components.engine import (
    BestScore,
    CaseList,
    CheckpointError,
    EpochSeeding,
    ResumableCheckpoint,
    RunRecord,
    check_resume,
)


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
    return sorted(int(path.stem.partition("=")[2]) for path in folder.glob("*.pt"))


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


@pytest.mark.parametrize(
    "key", ["format", "run", "epoch", "iteration", "ended", "scaler", "objects"]
)
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


def test_fresh_run_sets_aside_what_an_older_run_left(make_trainer, tmp_path, caplog):
    """Else it would delete its own files as the oldest, and a resume would take the old run's."""
    folder, model = tmp_path / "checkpoints", tmp_path / "models" / "model.pt"
    trainer_with(make_trainer, folder, epochs=5).run()
    model.parent.mkdir()
    model.write_text("old")
    with caplog.at_level("INFO", logger="iac_components.checkpoint"):
        trainer_with(make_trainer, folder, epochs=2, results=[model, tmp_path / "none"]).run()
    assert epochs_in(folder) == [1, 2]
    assert epochs_in(folder / "set_aside_1") == [4, 5]
    assert not model.exists()
    assert (model.parent / "set_aside_1" / "model.pt").read_text() == "old"
    (line,) = [r.getMessage() for r in caplog.records if "set aside" in r.getMessage()]
    assert "\n" not in line
    assert "checkpoint_epoch=5.pt, checkpoint_epoch=4.pt, model.pt" in line
    trainer_with(make_trainer, folder, epochs=1).run()
    assert epochs_in(folder / "set_aside_2") == [1, 2]


class CrashError(Exception):
    """The error that ends a run in the middle."""


@pytest.mark.parametrize("settings", [{"seed": 0}, {"seed": 1}])
def test_run_killed_before_its_first_checkpoint_is_not_taken_for_the_older_one(
    make_trainer, tmp_path, settings
):
    trainer_with(make_trainer, tmp_path, epochs=3, record=RunRecord(options={"seed": 0})).run()
    killed = trainer_with(make_trainer, tmp_path, epochs=3, record=RunRecord(options=settings))

    @killed.on(Events.ITERATION_COMPLETED(once=1))
    def crash(engine):
        raise CrashError

    with pytest.raises(CrashError):
        killed.run()
    again = trainer_with(
        make_trainer, tmp_path, epochs=3, resume=True, record=RunRecord(options=settings)
    )
    again.run()
    assert len(again.losses) == 12


def test_a_second_round_of_one_trainer_sets_nothing_aside(make_trainer, tmp_path):
    """MonaiAlgo runs its trainer once a round, each round with a larger max_epochs."""
    trainer = trainer_with(make_trainer, tmp_path, epochs=1)
    trainer.run()
    trainer.state.max_epochs = 2
    trainer.run()
    assert epochs_in(tmp_path) == [1, 2]


RECORD = {
    "stage": "training",
    "options": {"seed": 0, "learning_rate": 0.1, "amount": None},
    "config": {"optimizer#weight_decay": 0.1},
    "files": {"backbone_ckpt": None},
    "cases": {"train": CaseList(3, "sha256:aa")},
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"stage": "cell search"}, "stage: checkpoint training, this run cell search"),
        ({"options": {"seed": 1, "learning_rate": 0.1}}, "seed: checkpoint 0, this run 1"),
        (
            {"options": {"seed": 1, "learning_rate": 3.0}},
            "seed: checkpoint 0, this run 1; learning_rate: checkpoint 0.1, this run 3.0",
        ),
        ({"config": {}}, "optimizer#weight_decay: checkpoint 0.1, this run without"),
        (
            {"files": {"backbone_ckpt": "sha256:b"}},
            "content of backbone_ckpt: checkpoint null, this run sha256:b",
        ),
        (
            {"cases": {"train": CaseList(3, "sha256:bb")}},
            "part 'train' of the data: checkpoint 3 cases (aa), this run 3 cases (bb)",
        ),
        ({"ranks": 2}, "processes: checkpoint 1, this run 2"),
    ],
)
def test_checkpoint_of_a_run_with_other_settings(make_trainer, tmp_path, changed, expected):
    trainer_with(make_trainer, tmp_path, epochs=1, record=RunRecord(**RECORD)).run()
    other = RunRecord(**{**RECORD, **changed}, epochs=2)
    with pytest.raises(CheckpointError) as before_data_are_read:
        check_resume(tmp_path, other, resume=True)
    one_line(before_data_are_read, tmp_path / "checkpoint_epoch=1.pt")
    assert f"is of another run: {expected}. Resume with" in str(before_data_are_read.value)
    check_resume(tmp_path, other, resume=False)
    with pytest.raises(CheckpointError) as caught:
        trainer_with(make_trainer, tmp_path, epochs=2, resume=True, record=other).run()
    assert str(caught.value) == str(before_data_are_read.value)


def test_epochs_of_another_number_of_steps(make_trainer, tmp_path):
    """Volumes that have changed under the same names mostly give another number of slices."""
    trainer_with(make_trainer, tmp_path, epochs=1).run()
    other = trainer_with(make_trainer, tmp_path, epochs=2, resume=True)
    other.data_loader = other.state.dataloader = list(other.data_loader)[:3]
    other.state.epoch_length = 3
    with pytest.raises(CheckpointError, match="steps in an epoch: checkpoint 4, this run 3"):
        other.run()


def test_length_below_what_is_done(make_trainer, tmp_path):
    trainer_with(make_trainer, tmp_path, epochs=3).run()
    with pytest.raises(CheckpointError, match=r"epochs is 2, but .* has done 3 epochs") as caught:
        trainer_with(make_trainer, tmp_path, epochs=2, resume=True).run()
    one_line(caught, tmp_path / "checkpoint_epoch=3.pt")


def test_run_that_is_shortened_ends_there(make_trainer, tmp_path):
    first = make_trainer(epochs=9)
    first.add_event_handler(Events.EPOCH_COMPLETED(once=3), crash_now)
    ResumableCheckpoint(tmp_path, {"network": first.network}).attach(first)
    with pytest.raises(CrashError):
        first.run()
    second = trainer_with(make_trainer, tmp_path / "none", epochs=4)
    ResumableCheckpoint(tmp_path, {"network": second.network}, resume=True).attach(second)
    second.run()
    assert (second.state.epoch, len(second.losses)) == (4, 8)


def crash_now(engine):
    raise CrashError
