"""Memory cases measure what they name, each in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import studies.search_cost.memory as benchmark_memory
from iac_components.search_space import SearchCell
from studies.search_cost.steps import memory_cases
from studies.search_cost.steps.memory_cases import CASES, keep_two, weigh
from studies.search_cost.steps.subjects import BundleSubject, VolumeSubject

BUNDLE = "hippocampus_unet"


SMALL = {"batch_size": 1, "patch_size": [32, 32]}


@pytest.fixture
def subject(monkeypatch: pytest.MonkeyPatch) -> BundleSubject:
    """A bundle's search, shrunk to a second."""
    monkeypatch.setattr(memory_cases, "PeakMeter", lambda device: FlatMeter())
    return BundleSubject(BUNDLE, SMALL)


class FlatMeter:
    """In a test's process nothing about the resident set is sure."""

    def growth(self) -> int:
        return 1000


def test_the_bundle_is_taken_as_its_config_has_it():
    options = {"batch_size": 2, "optimizer#lr": 0.5, "in_channels": 2}
    subject = BundleSubject(BUNDLE, options)
    assert subject.shape == (2, 2, 48, 64)
    assert subject.classes == 3
    network = subject.supernet(frozen_backbone=True, checkpointing=True)
    assert network.frozen_backbone
    assert all(cell.checkpointing for cell in network.modules() if isinstance(cell, SearchCell))
    optimizer = subject.weight_optimizer(network.weight_parameters())
    assert optimizer.defaults["lr"] == 0.5
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert held == {id(p) for p in network.weight_parameters()}


def test_each_network_is_a_new_one():
    subject = BundleSubject(BUNDLE)
    first, second = subject.backbone(), subject.backbone()
    supernet = subject.supernet(frozen_backbone=False, checkpointing=False)
    assert first is not second
    assert not any(isinstance(module, SearchCell) for module in second.modules())
    assert not supernet.frozen_backbone
    assert supernet is not subject.supernet(frozen_backbone=False, checkpointing=False)


def test_the_cells_of_volumes_are_3d():
    subject = VolumeSubject(32, 2, features=(4,) * 6)
    assert subject.shape == (2, 1, 32, 32, 32)
    network = subject.supernet(frozen_backbone=True, checkpointing=True)
    assert network.space.spatial_dims == 3
    assert all(cell.checkpointing for cell in network.modules() if isinstance(cell, SearchCell))


def test_two_operations_are_left_and_all_take_turns():
    network = VolumeSubject(32, 1, features=(4,) * 6).supernet(
        frozen_backbone=True, checkpointing=False
    )
    alive = keep_two(network)
    assert torch.equal(alive.sum(dim=-1), torch.full((1, 14), 2))
    left = {network.space.operations[place] for place in alive.any(dim=1)[0].nonzero().flatten()}
    assert left == set(network.space.operations) - {"none"}


def test_what_is_kept_for_a_backward_pass(subject):
    kept = {case: weigh(subject, case, steps=1) for case in CASES}
    saved = {case: max(record["saved_bytes"].values()) for case, record in kept.items()}
    assert set(kept["plain"]["saved_bytes"]) == {"step"}
    assert set(kept["search"]["saved_bytes"]) == {"weight step", "architecture step"}
    assert saved["yardstick"] > saved["search"]
    assert saved["search, backbone trained too"] > saved["search"]
    assert saved["search"] > saved["search, two operations an edge"]
    assert saved["search"] > 2 * saved["search, checkpointing"]
    assert all(record["peak_growth_bytes"] == 1000 for record in kept.values())


def test_what_is_held_between_steps(subject):
    record = weigh(subject, "plain", steps=1)
    weights = sum(p.numel() for p in subject.backbone().parameters())
    assert record["trained_parameters"] == weights
    # Weights, gradients and AdamW's two moments, and its count of steps for each.
    count = len(list(subject.backbone().parameters()))
    assert record["held_bytes"] == 4 * (4 * weights + count)


def record_of(case: str, growth: int, held: int, saved: int, **more: object) -> dict[str, object]:
    return {
        "subject": "net",
        "case": case,
        "input_shape": [2, 1, 8, 8],
        "peak_growth_bytes": growth,
        "held_bytes": held,
        "saved_bytes": {"step": saved, "other": 1},
        **more,
    }


def test_ratios():
    mebibyte = 2**20
    plain = record_of("plain", 3 * mebibyte, mebibyte, 2 * mebibyte)
    search = record_of(
        "search",
        5 * mebibyte,
        mebibyte,
        4 * mebibyte,
        peak_growth_bytes_default_allocator=9 * mebibyte,
    )
    _, record = benchmark_memory.with_ratios([plain, search])
    assert record["peak_bytes"] == 6 * mebibyte
    assert record["over_plain"] == {
        "peak": 1.5,
        "growth": pytest.approx(5 / 3),
        "resident_growth": 3.0,
        "saved": 2.0,
    }


def test_without_plain_training_there_is_no_ratio():
    (record,) = benchmark_memory.with_ratios([record_of("search", 8, 2, 4)])
    assert record["over_plain"] is None


def test_a_process_of_its_own(tmp_path: Path):
    arguments = ["--bundle", BUNDLE, "--settings", json.dumps(SMALL), "--case", "plain"]
    record = benchmark_memory.run_apart(arguments, benchmark_memory.PROMPT)
    assert (record["subject"], record["case"]) == (BUNDLE, "plain")
    assert record["input_shape"] == [1, 1, 32, 32]
    assert record["peak_growth_bytes"] > 0


def test_a_run_weighs_each_case_with_both_allocators(tmp_path, capsys, monkeypatch):
    runs = []

    def run_apart(arguments: list[str], environment: dict[str, str]) -> dict[str, object]:
        runs.append((arguments, dict(environment)))
        growth = 100 if environment else 300
        return record_of(arguments[-1], growth, 0, 50, device="cpu")

    monkeypatch.setattr(benchmark_memory, "run_apart", run_apart)
    out = tmp_path / "memory.json"
    options = ["--bundle", BUNDLE, "--volume_side", "32", "--cases", "plain", "search"]
    assert benchmark_memory.main([*options, "--out", str(out)]) == 0
    record = json.loads(out.read_text(encoding="utf-8"))
    assert json.loads(capsys.readouterr().out) == record
    assert [case["case"] for case in record["records"]] == ["plain", "search"] * 2
    assert {case["peak_growth_bytes_default_allocator"] for case in record["records"]} == {300}
    assert [bool(environment) for _, environment in runs] == [True, False] * 4
    assert runs[0][0] == ["--bundle", BUNDLE, "--settings", "{}", "--case", "plain"]
    assert runs[-1][0] == ["--volume_side", "32", "--volume_batch", "2", "--case", "search"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "nothing to weigh: give --bundle or --volume_side"),
        (["--bundle", "moon_unet"], "bundle 'moon_unet' is unknown. Known: acdc_efficientnet"),
        (["--bundle", BUNDLE, "--settings", "[1]"], "--settings must be a JSON object"),
        (["--bundle", BUNDLE, "--settings", "{1"], "--settings must be a JSON object"),
        (["--bundle", BUNDLE, "--settings", '{"bach": 1}'], "has no key bach"),
        (["--volume_side", "16"], "a side of at least 32"),
    ],
)
def test_bad_input_is_one_line(options, message, capsys):
    with pytest.raises(SystemExit):
        benchmark_memory.main(options)
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_a_process_that_fails_is_one_line(tmp_path, capsys, monkeypatch):
    script = tmp_path / "broken.py"
    script.write_text("print('no')\nraise ValueError('too small')\n", encoding="utf-8")
    monkeypatch.setattr(benchmark_memory, "__file__", str(script))
    assert benchmark_memory.main(["--bundle", BUNDLE, "--cases", "plain"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("benchmark_memory: --bundle hippocampus_unet")
    assert line.endswith("--case plain: ValueError: too small")
