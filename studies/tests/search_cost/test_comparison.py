"""The table beside the paper and public code gives least and largest of what was measured."""

from __future__ import annotations

from studies.search_cost.pages.comparison import render_comparison


def search(cpu, difference):
    return {
        "ratios": [
            {"of": "full", "to": "pruned", "cpu": cpu},
            {"of": "reference", "to": "pruned", "cpu": 2 * cpu},
            {"of": "reference", "to": "full", "cpu": 2.0},
        ],
        "comparisons": [
            {"against": "full", "paired": {"mean_difference": difference}},
            {"against": "random", "paired": {"mean_difference": 0.5}},
        ],
    }


def setting(ratio, kept):
    ours = {
        "case": "ours",
        "yardstick_over_case": {"cpu": {"median": ratio}},
        "saved_bytes": {"weight_step": 10},
    }
    other = {**ours, "case": "fused", "yardstick_over_case": {"cpu": {"median": 9.0}}}
    return {"yardstick_saved_bytes": {"weight_step": kept}, "cases": [ours, other]}


def test_every_row_spans_the_bundles():
    text = render_comparison(
        {"a": search(17.04, 0.001), "b": search(20.0, -0.002)},
        from_scratch={"a": search(99.0, 0.004)},
        step={"settings": [setting(1.8, 15), setting(1.95, 20)]},
        memory={
            "records": [
                {"subject": "a", "case": "search", "peak_bytes": 100},
                {"subject": "a", "case": "yardstick", "peak_bytes": 150},
                {"subject": "b", "case": "search", "peak_bytes": 100},
            ]
        },
    )
    rows = {line.split(" | ")[0]: line.split(" | ")[-1] for line in text.splitlines()[2:]}
    assert rows == {
        "| full-length search against pruned": "17.0 to 20.0 times |",
        "| plain search of full length against pruned": "34.1 to 40.0 times |",
        "| plain search step against ours, same operations": "1.80 to 1.95 times |",
        "| kept for a backward pass, plain against ours": "1.50 to 2.00 times |",
        "| peak of a search step, plain against ours": "1.50 to 1.50 times |",
        "| Dice of the pruned search's cell less the full one's": "-0.20 to +0.40 points |",
    }


def test_what_was_not_measured_has_no_row():
    text = render_comparison({}, from_scratch={}, step={}, memory={})
    assert len(text.splitlines()) == 2
