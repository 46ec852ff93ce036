"""Results in words."""

from __future__ import annotations

import json

import pytest

from iac_components.evaluation import CaseRecord, write_metrics
from iac_components.interface.running.results.words import (
    found_in_a_sentence,
    kept_in_a_sentence,
    metrics_table,
)

NODES = [{"level": 0, "node": 0, "edges": [{"input": "skip", "operation": "sep_conv_3x3"}]}]
FINDINGS = {
    "criterion": "audit",
    "patients": 12,
    "tolerance": 0.003,
    "gain": {"mean": 0.031, "low": 0.012, "high": 0.05},
    "parts": [
        {"kind": "cell", "level": 0, "decided": "evidence"},
        {"kind": "node", "level": 0, "node": 0, "decided": "undecided"},
    ],
}


def say(tmp_path, content) -> str:
    path = tmp_path / "genotype.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return found_in_a_sentence(path)


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("searched", {}, "found 1 level(s) with a cell, 1 node(s), 0 edge(s), which gain 0.0310"),
        ("undecided", {}, "not decided: 1 level(s) with a cell"),
        ("searched", {"parts": []}, "no cell needed"),
        ("undecided", {"parts": []}, "not decided: no cell was measured to be worth more than"),
        ("searched", {"gain": dict.fromkeys(("mean", "low", "high"))}, "which gain unknown"),
    ],
)
def test_a_search_that_measured_says_what(tmp_path, kind, changes, words):
    provenance = {"kind": kind, "findings": {**FINDINGS, **changes}}
    text = say(tmp_path, {"nodes": NODES, "provenance": provenance})
    assert text.startswith("The search's finding: ")
    assert words in text
    assert text.endswith(".")


def test_an_audited_topology_says_what_was_found(tmp_path):
    parts = [{"kind": "path", "decided": "evidence"}, {"kind": "path", "decided": "undecided"}]
    findings = {"patients": 12, "parts": parts}
    provenance = {"kind": "undecided", "findings": findings}
    assert say(tmp_path, {"blocks": [], "provenance": provenance}) == (
        "The search's finding: not decided: found a topology of 2 path(s), judged on 12 patients, "
        "but 1 of its 2 parts are not decided."
    )


def test_without_findings_the_kind_speaks(tmp_path):
    assert say(tmp_path, {"nodes": NODES, "provenance": {"kind": "searched"}}) == (
        "The search chose one cell of 1 nodes (1 x sep_conv_3x3); it did not measure whether that "
        "is better than none."
    )
    assert "is undecided" in say(tmp_path, {"nodes": NODES, "provenance": {"kind": "undecided"}})
    assert "one topology" in say(tmp_path, {"blocks": [], "provenance": {"kind": "searched"}})


def test_a_cell_without_nodes_is_a_finding(tmp_path):
    text = say(tmp_path, {"nodes": [], "provenance": {"kind": "searched"}})
    assert text.startswith("The search chose no cell")


def test_a_table_of_scores(tmp_path):
    records = [
        CaseRecord("p", "c", 1, "left", 0.5, 3.25),
        CaseRecord("p", "c", 2, "right", float("nan"), float("nan")),
    ]
    write_metrics(tmp_path, records, class_names=["left", "right"], info={})
    rows = [line.split() for line in metrics_table(tmp_path / "metrics.json").splitlines()[1:]]
    assert rows == [["left", "0.500", "3.25"], ["right", "-", "-"], ["all", "0.500", "3.25"]]


def test_a_gain_is_told_with_the_digits_that_show_it(tmp_path):
    path = tmp_path / "postprocessing.json"
    dice = {
        "without": {"liver": 0.84512, "tumour": 0.5, "spleen": 0.7},
        "with": {"liver": 0.84519, "tumour": 0.75, "spleen": 0.7},
    }
    kept = {"foreground": True, "classes": []}
    content = {"schema_version": 1, "keep_largest": kept, "num_patients": 13, "dice": dice}
    path.write_text(json.dumps(content), encoding="utf-8")
    words = kept_in_a_sentence(path)
    assert words.endswith(
        "on 13 validation patients, Dice liver 0.8451 to 0.8452, tumour 0.500 to 0.750."
    )
