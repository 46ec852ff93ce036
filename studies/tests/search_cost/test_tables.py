"""Every row of a search benchmark's tables is a measurement of its own, or says which it is."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

import studies.search_cost.write as tool
from studies.search_cost.pages.agreement_table import render_agreement
from studies.search_cost.pages.quality_tables import render_dice

SKIP = ("skip", "gate")


def cell(search_seed: int, *operations: str) -> dict[str, object]:
    """A cell of one node with two edges."""
    edges = [{"input": i, "operation": o} for i, o in zip(SKIP, operations, strict=True)]
    nodes = [{"level": 0, "node": 0, "edges": edges}]
    return {"search_seed": search_seed, "digest": "-".join(operations), "genotype": nodes}


ONE, OTHER, THIRD = ("sep", "sep"), ("sep", "dil"), ("dil", "dil")


def rows(cells: Mapping[str, object]) -> list[list[str]]:
    lines = render_agreement({"cells": cells}).splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")][2:]


def test_a_search_that_served_three_trainings_agrees_once() -> None:
    cells = {
        "full": {str(seed): cell(0, *ONE) for seed in range(3)},
        "reference": {str(seed): cell(0, *OTHER) for seed in range(3)},
        "pruned": {str(seed): cell(seed, *OTHER) for seed in range(3)},
    }
    assert rows(cells) == [
        ["reference (plain search)", "0", "0", "100%", "50%"],
        *(["pruned", str(seed), "0", "100%", "50%"] for seed in range(3)),
    ]


def test_one_full_search_alone_agrees_with_nothing() -> None:
    cells = {"full": {str(seed): cell(4, *ONE) for seed in range(3)}}
    assert render_agreement({"cells": cells}) == ""


def test_a_cell_is_compared_with_the_full_search_of_its_seed() -> None:
    """Training seed 2 has no full search of its own and is served by that of seed 5."""
    cells = {
        "full": {"5": cell(5, *ONE), "7": cell(7, *THIRD), "2": cell(5, *ONE)},
        "pruned": {"5": cell(5, *OTHER), "7": cell(7, *THIRD), "2": cell(2, *ONE)},
    }
    assert rows(cells) == [
        ["full length", "7", "5", "100%", "0%"],
        ["pruned", "5", "5", "100%", "50%"],
        ["pruned", "7", "7", "100%", "100%"],
        ["pruned", "2", "5", "100%", "100%"],
        ["pruned", "2", "7", "100%", "0%"],
    ]


def dice_record(cells: Mapping[str, object]) -> dict[str, object]:
    summary = {"mean": 0.8, "lower": None, "upper": None, "by_seed": {"0": 0.79, "1": 0.81}}
    backbone = {**summary, "by_seed": {"0": 0.8, "1": 0.8}}
    dice = {**dict.fromkeys(cells, summary), "backbone": backbone}
    return {"settings": {"train_steps": 3}, "dice": dice, "cells": cells}


def test_trainings_that_are_one_are_named() -> None:
    cells = {
        "reference": {"0": cell(0, *ONE), "1": cell(0, *ONE)},
        "full": {"0": cell(0, *ONE), "1": cell(0, *ONE)},
        "pruned": {"0": cell(0, *THIRD), "1": cell(1, *ONE)},
    }
    text = render_dice(dice_record(cells))
    assert "one measurement, here and in the tables below: " in text
    assert "reference (plain search) and full length, training seed 0; " in text
    assert "reference (plain search) and full length and pruned, training seed 1.\n" in text
    assert "full length: the cell of search seed 0 for training seed 1." in text
    # One evaluation, whatever the seeds of the trainings; without interval where it has none.
    assert "| backbone, not trained on | 0 | 80.00 [nan, nan] | 80.00 (one evaluation) |" in text


def test_trainings_of_their_own_need_no_words() -> None:
    cells = {"full": {"0": cell(0, *ONE)}, "pruned": {"0": cell(0, *OTHER)}}
    text = render_dice(dice_record(cells))
    assert "measurement" not in text
    assert "fewer seeds" not in text


@pytest.mark.parametrize(("rows_of_the_other", "said"), [(["a", "1"], True), (["a", "2"], False)])
def test_copied_searches_are_said_to_be_copied(tmp_path, monkeypatch, rows_of_the_other, said):
    def record(rows: list[str]) -> dict[str, object]:
        search = {"rows": rows, "digest": "x"}
        machine = {"cpu": "a", "threads": 1, "torch": "2"}
        total = {"wall": 1.0, "cpu": 1.0}
        cost = {"epochs": 1, "steps": 1, "setup": total, "total": total, "parts": {}}
        settings = {"bundle": "a_unet", "dataset": "a", "fold": 0, "early_stop_patience": 1}
        return {
            "settings": settings,
            "session": {"machine": machine, "commit": "c", "date": "d"},
            "unfinished": [],
            "searches": {"pruned": {"0": search}},
            "costs": {"pruned": {"mean": cost, "by_seed": {"0": cost}}},
            **{key: {} for key in ("early_stop", "dice", "cells")},
        }

    monkeypatch.setattr(tool, "RAW", tmp_path)
    (tmp_path / "scratch_a_unet.json").write_text(json.dumps(record(["a", "1"])))
    (tmp_path / "search_a_unet.json").write_text(json.dumps(record(rows_of_the_other)))
    text = tool.search_page("scratch_a_unet")
    assert (
        "searches are those of [search_a_unet](search_a_unet.md), not run again" in text
    ) == said
    assert "not run again" not in tool.search_page("search_a_unet")
