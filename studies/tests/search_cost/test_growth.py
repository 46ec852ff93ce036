"""One factor is varied at a time, and the page says what the figures say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import studies.search_cost.growth as benchmark_growth
from iac_components.networks.implanting.implant import skip_modules
from studies.measuring.clock import Seconds
from studies.search_cost.steps import growth_ranks
from studies.search_cost.steps.growth import BASE, FACTORS, Factor, Point, build_network, doubling
from studies.search_cost.steps.growth import measure_factor as measure
from studies.search_cost.steps.growth_pictures import draw_growth
from studies.search_cost.steps.growth_ranks import launch, measure_ranks

TINY = Point(depth=2, levels=1, num_nodes=1, operations=2, side=8, batch_size=2)


@pytest.mark.parametrize("levels", [1, 3])
def test_only_the_finest_levels_have_cells(levels):
    network = build_network(Point(depth=3, levels=levels, operations=2, num_nodes=2, side=16))
    cells = skip_modules(network.backbone)
    assert [cell.level for cell in cells] == [0] * levels
    assert [cell.scale.numel() for cell in cells] == [16, 16, 32][:levels]
    held = {id(p) for p in network.weight_parameters()}
    assert held == {id(p) for p in network.parameters() if p.requires_grad} - {
        id(p) for p in network.architecture_parameters()
    }


def test_a_point_is_built_as_it_says():
    network = build_network(replace(TINY, spatial_dims=3, channel_divisor=2))
    assert network.space.spatial_dims == 3
    assert network.space.channel_divisor == 2
    assert network.space.operations == ("skip_connect", "sep_conv_3x3")
    assert network.frozen_backbone


@pytest.mark.parametrize("factor", FACTORS.values(), ids=FACTORS)
def test_every_point_is_possible_and_varies_in_its_factor_alone(factor):
    points = [replace(BASE, **change) for change in factor.points]
    values = [getattr(point, factor.name) for point in points]
    assert values == sorted(set(values))
    free = {"voxels": {"side"}}.get(factor.name, {factor.name})
    fixed = [{k: v for k, v in vars(point).items() if k not in free} for point in points]
    assert all(other == fixed[0] for other in fixed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_nodes": 0}, "num_nodes must be at least 1, got 0"),
        ({"depth": 1}, "depth must be 2 to 4, got 1"),
        ({"depth": 5}, "depth must be 2 to 4, got 5"),
        ({"side": 40}, "side must be a multiple of 16 and at least 32"),
        ({"side": 16}, "side must be a multiple of 16 and at least 32"),
    ],
)
def test_impossible_points(change, message):
    with pytest.raises(ValueError, match=message):
        replace(BASE, **change)


def test_a_factor_is_measured():
    sizes = ({"batch_size": 1}, {"batch_size": 2}, {"batch_size": 4})
    record = measure(Factor("batch_size", "images of a batch", sizes), TINY, repeats=2)
    small, middle, large = record["rows"]
    assert (small["value"], large["value"]) == (1, 4)
    assert len(small["seconds"]["wall"]["all"]) == 2
    # Next to nothing but features is kept, and these are four times as many.
    weight, four = (row["saved_bytes"]["weight step"] for row in (small, large))
    assert 3.5 < four / weight < 4.01
    assert small["saved_bytes"]["architecture step"] < weight
    assert small["parameters"] == large["parameters"]
    assert record["doubling_multiplies"]["memory"] == pytest.approx((four / weight) ** 0.5)
    last = four / middle["saved_bytes"]["weight step"]
    assert record["last_doubling_multiplies"]["memory"] == pytest.approx(last)


@given(
    exponent=st.floats(-3, 3),
    scale=st.floats(1e-3, 1e3),
    values=st.lists(st.integers(1, 1000), min_size=2, max_size=6, unique=True),
)
def test_the_exponent_of_a_power_law_is_found(exponent, scale, values):
    costs = [scale * value**exponent for value in values]
    assert doubling(values, costs) == pytest.approx(2**exponent, rel=1e-6)


@pytest.mark.parametrize(("values", "costs"), [([1], [1.0]), ([1, 2], [0.0, 1.0])])
def test_no_power_law(values, costs):
    with pytest.raises(ValueError, match="two positive points"):
        doubling(values, costs)


def factor_record(name: str, series: str, values: list[int], exponent: float) -> dict[str, object]:
    rows = [
        {
            "value": value,
            "seconds": {
                kind: {"minimum": share * value**exponent, "median": 2 * value**exponent}
                for kind, share in (("wall", 1), ("cpu", 0.5))
            },
            "saved_bytes": {"weight step": 2**20 * value, "architecture step": 2**19 * value},
            "parameters": 7,
        }
        for value in values
    ]
    times = {"time": 2**exponent, "cpu_time": 2**exponent, "memory": 2.0}
    return {
        "factor": name,
        "title": f"number of {name}",
        "series": series,
        "rows": rows,
        "doubling_multiplies": times,
        "last_doubling_multiplies": {"time": 3.0, "cpu_time": 4.0, "memory": 5.0},
    }


FACTORS = [
    factor_record("nodes", "", [1, 2, 4], 1.5),
    factor_record("voxels", "2-D", [64, 256], 1.0),
    factor_record("voxels", "3-D", [64, 512], 1.1),
]


def test_the_picture(tmp_path):
    written = draw_growth(FACTORS, tmp_path / "growth.png")
    assert written.read_bytes().startswith(b"\x89PNG")


def test_a_run(tmp_path, capsys, monkeypatch):
    quick = [{"levels": levels, "num_nodes": 1, "operations": 2} for levels in (1, 2)]
    factor = Factor("levels", "skip connections with a cell", tuple(quick))
    monkeypatch.setattr(benchmark_growth, "FACTORS", {"levels": factor})
    out = tmp_path / "growth.json"
    small = ["--side", "32", "--batch_size", "1", "--repeats", "1", "--rank_rounds", "0"]
    options = ["--factors", "levels", *small, "--out", str(out)]
    assert benchmark_growth.main(options) == 0
    record = json.loads(out.read_text(encoding="utf-8"))
    assert json.loads(capsys.readouterr().out) == record
    assert [row["value"] for row in record["factors"][0]["rows"]] == [1, 2]
    assert record["base"]["side"] == 32
    assert record["ranks"] is None
    assert (tmp_path / "growth.png").exists()


def test_two_processes_share_a_batch():
    seconds = launch(Path(benchmark_growth.__file__), TINY, ranks=2, repeats=2)
    assert len(seconds) == 2
    assert all(step.wall > 0 for step in seconds)


def test_one_process_and_two_take_turns(monkeypatch):
    launched = []

    def pretend(script: Path, point: Point, *, ranks: int, repeats: int) -> list[Seconds]:
        launched.append(ranks)
        return [Seconds(6.0 / ranks, 1.0)] * repeats

    monkeypatch.setattr(growth_ranks, "launch", pretend)
    record = measure_ranks(Path("tool.py"), TINY, rounds=2, repeats=3)
    assert launched == [1, 2, 1, 2]
    assert record["one_over_two"]["wall"]["ratio_of_minima"] == 2
    assert len(record["seconds"]["2"]["wall"]["all"]) == 6


def test_a_batch_that_cannot_be_shared():
    with pytest.raises(ValueError, match="a batch of 3 cannot be divided by 2"):
        measure_ranks(Path("tool.py"), replace(TINY, batch_size=3), rounds=1, repeats=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--repeats", "0"], "--repeats must be at least 1, got 0."),
        (["--side", "24"], "side must be a multiple of 16"),
        (["--factors", "moons"], "invalid choice: 'moons'"),
    ],
)
def test_bad_input_is_one_line(options, message, capsys):
    with pytest.raises(SystemExit):
        benchmark_growth.main(options)
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_a_process_that_fails_is_one_line(tmp_path, capsys, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("2 processes: ValueError: no")

    monkeypatch.setattr(benchmark_growth, "measure_ranks", fail)
    assert benchmark_growth.main([]) == 1
    assert capsys.readouterr().err == "benchmark_growth: 2 processes: ValueError: no\n"
