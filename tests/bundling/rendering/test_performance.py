"""A README shows one table and where the rest is; RESULTS.md holds all of it."""

from __future__ import annotations

import json

import pytest

from iac_components.bundling.rendering.performance import NOT_MEASURED, performance, results_page

SECTION = """### liver, unet

Fold 0, seed 0.

- A finding.

| search | epochs |
| --- | ---: |
| pruned | 12 |

Trained for ten steps.

| network | Dice x 100 |
| --- | ---: |
| plain | 80.00 |

![cell](results/cell.png)
"""
PAGE = "### Search\n\n| search | epochs |\n| --- | ---: |\n| full length | 200 |\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "section.md").write_text(SECTION)
    return tmp_path


def shown(stage, folder):
    return performance(
        stage,
        docs=folder / "docs",
        section=folder / "section.md",
        weights=folder / "weights.json",
    )


@pytest.mark.parametrize(
    ("stage", "table"),
    [
        ("search", "| search | epochs |\n| --- | ---: |\n| pruned | 12 |"),
        (
            "train",
            "Trained for ten steps.\n\n| network | Dice x 100 |\n| --- | ---: |\n| plain | 80.00 |",
        ),
    ],
)
def test_table_of_the_stage_with_the_words_before_it(stage, table, folder):
    text = shown(stage, folder)
    assert text.startswith(table)
    assert "RESULTS.md" in text
    assert "finding" not in text
    assert "![" not in text


def test_the_search_that_a_study_wrote_up_comes_first(folder):
    (folder / "docs" / "RESULTS.md").write_text(PAGE)
    assert "full length" in shown("search", folder)
    assert "plain" in shown("inference", folder)


def test_shipped_weights_have_their_own_scores(folder):
    def summary(mean):
        return {"mean": mean, "interval_95": [mean / 2, mean * 2], "n_patients": 7}

    test = {
        "dice": {"mean": summary(0.4), "classes": {"liver": summary(0.3)}},
        "hd95": {"mean": summary(2.0), "classes": {"liver": summary(4.0)}},
    }
    (folder / "weights.json").write_text(json.dumps({"test": test}))
    text = shown("inference", folder)
    assert "| liver | 30.00 [15.00, 60.00] | 4.00 [2.00, 8.00] |" in text
    assert "| mean | 40.00 [20.00, 80.00] | 2.00 [1.00, 4.00] |" in text
    assert "7 patients" in text
    assert "plain" in shown("train", folder)


def test_nothing_measured_is_said(tmp_path):
    assert shown("train", tmp_path) == NOT_MEASURED
    assert results_page(docs=tmp_path, section=tmp_path / "section.md") is None


def test_results_page_is_the_section_unless_a_study_wrote_one(folder):
    assert results_page(docs=folder / "docs", section=folder / "section.md") == SECTION
    (folder / "docs" / "results").mkdir()
    (folder / "docs" / "results" / "proof_settings.json").write_text("{}")
    assert results_page(docs=folder / "docs", section=folder / "section.md") is None
