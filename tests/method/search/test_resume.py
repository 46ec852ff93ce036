"""A search killed at any moment resumes to the same losses, alphas, trace and genotype."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from ignite.engine import Events

from iac_components.engine import CheckpointError
from iac_components.search import forget_parameters, save_found_genotype

EPOCHS = 5
PRUNED_AT = (3, 4)  # decided after epoch 4: the fifth never comes


@dataclass
class Result:
    """The results that must not depend on interruptions."""

    losses: list[float]
    state: dict[str, torch.Tensor]
    trace: list[list[str]]
    digest: str
    epochs: int


def result(search, folder, losses=None) -> Result:
    genotype = save_found_genotype(
        folder / "genotype.json", search.network, trace=search.trace, settings={}
    )
    with (folder / "search_trace.csv").open(newline="") as stream:
        rows = [row[:-1] for row in csv.reader(stream)]  # the last column is seconds
    state = {key: value.clone() for key, value in search.network.state_dict().items()}
    return Result(
        search.losses if losses is None else losses,
        state,
        rows,
        genotype.digest,
        search.trainer.state.epoch,
    )


def assert_same(one: Result, other: Result) -> None:
    assert one.losses == other.losses
    assert one.state.keys() == other.state.keys()
    for key, value in one.state.items():
        assert torch.equal(value, other.state[key]), key
    assert one.trace == other.trace
    assert one.digest == other.digest
    assert one.epochs == other.epochs


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The search in one go, made by the first test that needs it."""
    folder, kept = tmp_path_factory.mktemp("straight"), {}

    def get(make_search) -> Result:
        if not kept:
            kept[0] = result(make_search(folder, epochs=EPOCHS).run(), folder)
            assert kept[0].epochs == PRUNED_AT[-1]
        return kept[0]

    return get


class Reducing:
    """Loses a cell after the first epoch, a skip after the second, and a node after the third."""

    def __init__(self, network):
        self.network = network

    def attach(self, engine):
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.reduce)

    def reduce(self, engine):
        epoch = engine.state.epoch
        if epoch == 1:
            self.network.remove_cells([1])
        elif epoch == 2:
            self.network.switch_off([3])
        else:
            alive = torch.ones_like(self.network.alive)
            alive[0, self.network.space.edges_of(0)] = False
            self.network.prune(alive)
        forget_parameters(engine.optimizer, self.network.weight_parameters())


@pytest.mark.parametrize("separate", [False, True])
def test_lost_cells_skips_and_nodes_stay_lost(make_search, make_supernet, tmp_path, separate):
    def search(folder, epochs, **options):
        network = make_supernet(separate_levels=separate)
        handlers = [Reducing(network)]
        options |= {"keep_schedule": (), "edge_schedule": (), "network": network}
        return make_search(folder, epochs=epochs, handlers=handlers, **options).run()

    whole = search(tmp_path / "whole", 4)
    losses = []
    for stop in (1, 2, 3, 4):
        part = search(tmp_path / "parts", stop, resume=True)
        losses += part.losses
    assert_same(result(part, tmp_path / "parts", losses), result(whole, tmp_path / "whole"))
    assert whole.network.treatments.tolist() == [0, 1, 0, 2]


class CrashError(Exception):
    """The error that ends a run in the middle."""


@pytest.mark.parametrize("stop", range(1, EPOCHS))
def test_stopped_between_epochs(make_search, straight, tmp_path, stop):
    first = make_search(tmp_path, epochs=stop).run()
    second = make_search(tmp_path, epochs=EPOCHS, resume=True).run()
    losses = first.losses + second.losses
    assert_same(result(second, tmp_path, losses), straight(make_search))
    assert len(second.losses) == 2 * (PRUNED_AT[-1] - stop)


@pytest.mark.parametrize("iteration", [1, 2, 4, 6, 7, 8])
def test_crashed_in_an_epoch(make_search, straight, tmp_path, iteration):
    """Epochs of two iterations; pruned after 6 and 8."""
    first = make_search(tmp_path, epochs=EPOCHS)

    @first.trainer.on(Events.ITERATION_COMPLETED(once=iteration))
    def crash(engine):
        raise CrashError

    with pytest.raises(CrashError):
        first.run()
    second = make_search(tmp_path, epochs=EPOCHS, resume=True).run()
    whole = 2 * ((iteration - 1) // 2)
    assert_same(
        result(second, tmp_path, first.losses[:whole] + second.losses), straight(make_search)
    )


@pytest.mark.parametrize("epoch", PRUNED_AT)
def test_crashed_while_the_checkpoint_was_written(
    make_search, straight, tmp_path, monkeypatch, epoch
):
    """The pruning is done and the trace is written, but the checkpoint is not."""
    first = make_search(tmp_path, epochs=EPOCHS)
    replace = os.replace

    def failing(source, target):
        if f"epoch={epoch}" in str(target):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="No space left"):
        first.run()
    monkeypatch.undo()
    assert not list(tmp_path.rglob("*.tmp*"))
    second = make_search(tmp_path, epochs=EPOCHS, resume=True).run()
    losses = first.losses[: 2 * (epoch - 1)] + second.losses
    assert_same(result(second, tmp_path, losses), straight(make_search))


def test_interrupted_again_and_again(make_search, straight, tmp_path):
    losses = []
    for stop in range(1, EPOCHS + 1):
        search = make_search(tmp_path, epochs=stop, resume=True).run()
        losses += search.losses
    assert_same(result(search, tmp_path, losses), straight(make_search))


def test_ended_search_stays_ended(make_search, straight, tmp_path):
    first = make_search(tmp_path, epochs=EPOCHS).run()
    before = result(first, tmp_path)
    second = make_search(tmp_path, epochs=EPOCHS + 10, resume=True).run()
    assert second.losses == []
    assert len(second.trace) == PRUNED_AT[-1]
    assert_same(result(second, tmp_path, first.losses), before)


@pytest.mark.parametrize("damage", ["cut", "empty", "foreign", "wrong type", "text"])
def test_damaged_checkpoint_gives_way_to_the_one_before(
    make_search, straight, tmp_path, caplog, damage
):
    first = make_search(tmp_path, epochs=3).run()
    newest = tmp_path / "checkpoints" / "checkpoint_epoch=3.pt"
    content = newest.read_bytes()
    if damage == "cut":
        newest.write_bytes(content[: len(content) // 2])
    elif damage == "empty":
        newest.write_bytes(b"")
    elif damage == "foreign":
        torch.save({"model": {"weight": torch.ones(2)}}, newest)
    elif damage == "wrong type":
        torch.save([1, 2, 3], newest)
    else:
        newest.write_text("not a checkpoint\nat all")
    with caplog.at_level("INFO", logger="iac_components.checkpoint"):
        second = make_search(tmp_path, epochs=EPOCHS, resume=True).run()
    (warning,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert str(newest) in warning
    assert "\n" not in warning
    assert any("Resumed after epoch 2" in record.getMessage() for record in caplog.records)
    assert_same(result(second, tmp_path, first.losses[:4] + second.losses), straight(make_search))


def test_code_in_a_checkpoint_does_not_run(make_search, tmp_path, caplog):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    (tmp_path / "checkpoints").mkdir()
    torch.save({"format": Evil()}, tmp_path / "checkpoints" / "checkpoint_epoch=1.pt")
    make_search(tmp_path, epochs=1, resume=True).run()
    assert not (tmp_path / "ran").exists()
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize(
    "options",
    [
        {"operations": ("none", "skip_connect", "max_pool_3x3")},
        {"operations": ("none", "skip_connect")},
        {"num_nodes": 3},
        {"separate_levels": True},
    ],
)
def test_checkpoint_of_other_settings(make_search, tmp_path, options):
    make_search(tmp_path, epochs=1).run()
    other = make_search(tmp_path, epochs=2, resume=True, network_options=options)
    with pytest.raises(CheckpointError, match=r"does not fit this run.*'network'") as caught:
        other.run()
    assert "checkpoint_epoch=1.pt" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_fresh_search_in_an_old_folder_is_not_mixed_up_with_it(make_search, straight, tmp_path):
    """Checkpoints of the old search's later epochs must not be what a resume goes on from."""
    make_search(tmp_path, epochs=3, batches=1).run()
    first = make_search(tmp_path, epochs=1).run()
    second = make_search(tmp_path, epochs=EPOCHS, resume=True).run()
    assert_same(result(second, tmp_path, first.losses + second.losses), straight(make_search))


SCRIPT = """
import runpy
from pathlib import Path
from ignite.engine import Events
make = runpy.run_path({conftest!r})["tiny_search"]
search = make(Path({folder!r}), epochs={epochs}, resume=True)
done = lambda engine: print(engine.state.iteration, flush=True)
search.trainer.add_event_handler(Events.ITERATION_COMPLETED, done)
search.run()
"""


def test_kill_9_at_a_random_moment(make_search, straight, tmp_path):
    script = SCRIPT.format(
        conftest=str(Path(__file__).with_name("conftest.py")), folder=str(tmp_path), epochs=EPOCHS
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[3],
    )
    # Anywhere from the third step on: during a step, a save, a pruning, or after the end.
    for _ in range(3):
        assert process.stdout.readline()
    time.sleep(random.SystemRandom().uniform(0, 0.5))
    process.send_signal(signal.SIGKILL)
    # Waits, and closes the pipe.
    process.communicate()
    second = make_search(tmp_path, epochs=EPOCHS, resume=True).run()
    expected = straight(make_search)
    found = result(second, tmp_path, [])
    tail = len(second.losses)
    assert second.losses == expected.losses[len(expected.losses) - tail :]
    expected_without_losses = Result([], *list(vars(expected).values())[1:])
    assert_same(found, expected_without_losses)
