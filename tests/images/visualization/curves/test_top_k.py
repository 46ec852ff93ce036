from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.search import SearchTrace
from iac_components.search_space import Genotype, SearchSpace
from iac_components.visualization.cells.final_cell import ChosenOperation
from iac_components.visualization.curves.top_k import (
    TopK,
    draw_top_k,
    rank_chosen_operations,
    write_top_k,
)

CHOSEN = ChosenOperation(0, 0, "skip", "sep_conv_3x3")


def ranked(*ranks: int) -> TopK:
    return TopK((CHOSEN,), np.array(ranks)[:, None])


@pytest.mark.parametrize(
    ("ranks", "k", "first", "stays"),
    [
        ((4, 2, 5, 2, 1), 3, 2, 4),
        ((4, 2, 5, 2, 1), 1, 5, 5),
        ((1, 1, 1), 1, 1, 1),
        ((1, 2, 1, 2), 1, 1, None),
        ((5, 5), 3, None, None),
        ((3,), 3, 1, 1),
    ],
)
def test_first_and_lasting_epoch(
    ranks: tuple[int, ...], k: int, first: int | None, stays: int | None
) -> None:
    result = ranked(*ranks)
    assert result.first_epochs(k) == [first]
    assert result.stays_from_epochs(k) == [stays]


@given(ranks=st.lists(st.integers(1, 8), min_size=1, max_size=30), k=st.integers(1, 3))
def test_definitions_hold_for_any_ranks(ranks: list[int], k: int) -> None:
    result = ranked(*ranks)
    (first,), (stays,) = result.first_epochs(k), result.stays_from_epochs(k)
    within = [rank <= k for rank in ranks]
    assert result.fraction(k).tolist() == [float(inside) for inside in within]
    assert first == (within.index(True) + 1 if any(within) else None)
    expected = [epoch for epoch in range(1, len(ranks) + 1) if all(within[epoch - 1 :])]
    assert stays == (expected[0] if expected else None)


def test_ties_count_against_and_none_does_not_count(
    make_rows: Callable[..., list], write_trace: Callable, change_trace: Callable
) -> None:
    trace = SearchTrace.read(write_trace(make_rows(3, num_nodes=1, prune=False)))
    probability = np.zeros_like(trace.probability)
    probability[0] = 1 / 8
    probability[1:] = [0.5, 0.05, 0.05, 0.1, 0.2, 0.05, 0.05, 0]
    result = rank_chosen_operations(change_trace(trace, probability=probability))
    assert [c.operation for c in result.chosen] == ["sep_conv_3x3"] * 2
    assert result.ranks.tolist() == [[7, 7], [1, 1], [1, 1]]


def test_json_says_what_the_ranks_say(trace_csv: Path, tmp_path: Path) -> None:
    trace = SearchTrace.read(trace_csv)
    result = rank_chosen_operations(trace)
    content = json.loads(write_top_k(trace, tmp_path / "top_k.json").read_text(encoding="utf-8"))
    assert content["epochs"] == 40
    assert [c["operation"] for c in content["chosen"]] == [c.operation for c in result.chosen]
    for k in (1, 2, 3):
        assert content["fraction_by_epoch"][f"top_{k}"] == result.fraction(k).tolist()
        stays = [c[f"top_{k}"]["stays_from_epoch"] for c in content["chosen"]]
        assert stays == result.stays_from_epochs(k)
        assert content["all_from_epoch"][f"top_{k}"] == max(stays)
        assert [c[f"top_{k}"]["first_epoch"] for c in content["chosen"]] == result.first_epochs(k)
    assert content["fraction_by_epoch"]["top_1"][-1] == 1


def test_picture_is_written(trace_csv: Path, tmp_path: Path) -> None:
    path = draw_top_k(SearchTrace.read(trace_csv), tmp_path / "top_k.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_no_cell_has_an_analysis_without_operations(trace_csv: Path, tmp_path: Path) -> None:
    trace = SearchTrace.read(trace_csv)
    none = Genotype(SearchSpace(2, trace.operations), ())
    content = json.loads(write_top_k(trace, tmp_path / "top_k.json", genotype=none).read_text())
    assert content["chosen"] == []
    assert content["all_from_epoch"] == {"top_1": None, "top_2": None, "top_3": None}
    assert draw_top_k(trace, tmp_path / "top_k.png", genotype=none).exists()
