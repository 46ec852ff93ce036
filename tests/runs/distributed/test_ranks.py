"""The helpers, the handlers and the search engine on two processes, and on one."""

from __future__ import annotations

import runpy
from pathlib import Path

import ignite.distributed as idist
import pytest
import torch
from ignite.engine import Engine

from iac_components.common.console.brief_errors import brief_message
from iac_components.common.ranks import (
    RankError,
    average,
    copy_from_first,
    is_first_rank,
    join_ranks,
    require_same,
)
from iac_components.engine import EpochSeeding, SynchronizedGradients

TRAINING = Path(__file__).with_name("tiny_training.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("units")


@pytest.fixture(scope="module")
def found(job, folder):
    return job("units", folder)


def both(found, job, item):
    first, second = (findings[job][item] for findings in found)
    return first, second


def test_alone_nothing_happens():
    assert (idist.get_rank(), idist.get_world_size(), is_first_rank()) == (0, 1, True)
    tensors = [torch.ones(2), torch.zeros(3)]
    assert all(a is b for a, b in zip(average(tensors), tensors, strict=True))
    copy_from_first(tensors)
    require_same(b"a", what="letters", remedy="None.")


def test_signal_to_one_rank_ends_all_after_the_same_step(found):
    assert both(found, "interruption", "status") == (143, 143)
    # Three steps an epoch: the fifth is the second of the second.
    assert both(found, "interruption", "iteration") == (5, 5)


@pytest.mark.parametrize("missing", ["RANK", "LOCAL_RANK", "MASTER_PORT"])
def test_join_without_torchrun(monkeypatch, missing):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "0")
    monkeypatch.delenv(missing)
    with pytest.raises(ValueError, match=rf"without torchrun \({missing} not set\).*torchrun --np"):
        join_ranks()
    assert idist.get_world_size() == 1


def test_more_processes_than_gpus(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match=r"no GPU of its own.* can be 2 at most"):
        join_ranks()


def test_lost_connection_is_explained_in_one_line(monkeypatch):
    def closed(tensor):
        raise RuntimeError("Connection closed by peer\nsome stack")

    monkeypatch.setattr("ignite.distributed.get_world_size", lambda: 2)
    monkeypatch.setattr("torch.distributed.all_reduce", closed)
    with pytest.raises(RankError, match=r"^rank 0 of 2 lost the others \(Connection") as caught:
        average([torch.ones(1)])
    assert "--resume True" in str(caught.value)
    assert brief_message(caught.value) == f"RankError: {caught.value}"
    assert "\n" not in str(caught.value)


def test_place_in_the_job(found):
    for number, findings in enumerate(found):
        # Slurm counts one task for both; that must reach neither Ignite nor the device.
        assert findings["place"] == {
            "rank": number,
            "count": 2,
            "first": number == 0,
            "LOCAL_RANK": str(number),
            "ignite": [number, number, 2],
            "SLURM_JOB_ID": "1",
        }
        assert findings["afterwards"] == [0, 1]


def test_average_and_copies(found):
    for findings in found:
        first, second, third = findings["averages"]["means"]
        assert first == 1.5
        assert torch.equal(second, torch.full((2, 3), 1.5, dtype=torch.float64))
        assert torch.equal(third, torch.full((2,), 1.5, dtype=torch.float16))
        plain, flags, large, images = findings["averages"]["copies"]
        assert torch.equal(plain, torch.ones(2, 2))
        assert torch.equal(images, torch.ones(2, 3, 4, 5))
        assert flags.tolist() == [True]
        # Not by way of a floating-point number.
        assert int(large) == 2**40
        assert findings["averages"]["nothing"] == []


def test_gradients_are_those_of_the_union(found):
    network = runpy.run_path(str(TRAINING))["Network"]
    first, second = (findings["gradients"] for findings in found)
    # Both began from the weights of the first rank, and ended alike.
    torch.manual_seed(0)
    alone = network()
    for key, value in alone.state_dict().items():
        assert torch.equal(value, first["start"][key]), key
        assert torch.equal(value, second["start"][key]), key
    assert first["end"] == second["end"]
    rows = first["rows"]
    extra = torch.zeros(4, 1)
    extra[2:] = alone.second(rows[2:])  # the second rank's rows alone pass there
    loss = torch.nn.functional.mse_loss(alone(rows) + extra, rows.sum(dim=1, keepdim=True))
    loss.backward()
    expected = {key: p.grad for key, p in alone.named_parameters() if p.grad is not None}
    assert set(expected) == {"all.weight", "all.bias", "second.weight", "second.bias"}
    for one in (first, second):
        assert set(one["gradients"]) == set(expected)
        assert one["loss"] == pytest.approx(loss.item(), rel=1e-5)
        for key, value in expected.items():
            torch.testing.assert_close(one["gradients"][key], value)


def test_statistics_of_the_first_rank(found):
    first, second = both(found, "statistics", "before")
    assert all(abs(a - b) > 0.5 for a, b in zip(first, second, strict=True))
    after = both(found, "statistics", "after")
    assert after == (first, first)


def test_all_skip_a_step_that_one_cannot_take(found):
    assert both(found, "nonfinite", "total") == (2, 2)
    first, second = both(found, "nonfinite", "weights")
    assert first == second
    assert first[1] == first[2] != first[3]
    losses, others = both(found, "nonfinite", "losses")
    assert [loss != loss for loss in losses] == [True, False, True, False]
    assert losses[1::2] == others[1::2]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("differ", "letters of rank 1 differ from those of rank 0. Write better."),
        ("checkpoints", "where all nodes see the same files"),
        ("networks", "network's parameters of rank 1 differ"),
    ],
)
def test_disagreement_stops_every_rank(found, item, words):
    for text in both(found, "disagreements", item):
        assert text.startswith("RankError: ")
        assert words in text
    assert both(found, "disagreements", "same") == ("no error", "no error")


def test_one_rank_owns_the_folders_and_all_are_refused_alike(found):
    for findings in found:
        assert findings["folders"]["locks"] == [".iac_components.lock"]
        assert findings["folders"]["refused"] == "FolderInUseError: rank 0 was asked"


def test_architecture_steps_are_shared(found):
    for findings in found:
        searches = findings["searches"]
        # Rates of 1 against gradients of 1 and 3; then of 1 and NaN, which nobody may take.
        assert searches["finite"] == [-2.0]
        assert searches["finite loss"] == 2.0
        assert searches["nan"] == [0.0]


def test_ranks_decide_alike_by_the_mean_of_their_losses(found, folder):
    first, second = (findings["searches"] for findings in found)
    assert first["audit"] == second["audit"]
    assert first["audit left"] == second["audit left"]
    rows = (folder / "audited" / "audit_trace.csv").read_text().splitlines()
    assert len(rows) == 1 + first["audit lines"] > 5


def test_a_rank_that_strays_is_found_before_it_prunes(found):
    for findings in found:
        assert "architecture parameters after epoch 1 of rank 1" in findings["searches"]["stray"]
        assert findings["searches"]["stray epoch"] == 1


def test_data_are_shared_out(found):
    first, second = both(found, "data", "orders")
    for one, other in zip(first, second, strict=True):
        # Five rows for two: one comes twice, so that both take equally many steps.
        assert len(one) == len(other) == 3
        assert set(one) | set(other) == set(range(5))
    assert first[0] != first[1]
    assert both(found, "data", "uneven") == ([0, 2, 4], [1, 3])


def test_ranks_draw_differently_and_the_first_as_if_alone(found):
    first, second = both(found, "data", "draw")
    assert first != second
    engine = Engine(lambda engine, batch: None)
    engine.state.epoch, engine.state.dataloader = 2, [0]
    EpochSeeding([], seed=3)(engine)
    assert float(torch.rand(1)) == first


def test_alone_the_handler_leaves_a_trainer_alone():
    jobs = runpy.run_path(str(TRAINING))
    rows = torch.randn(4, 4, generator=torch.Generator().manual_seed(1))

    def weights(handlers):
        trainer = jobs["train"](rows, handlers)
        trainer.run()
        return jobs["digest"](trainer.network.state_dict().values())

    assert weights(lambda net: [SynchronizedGradients(net)]) == weights(lambda net: [])
