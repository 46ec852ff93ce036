"""Findings, as plain values and in a sentence."""

from __future__ import annotations

import json

import numpy as np
import pytest

from iac_components.search.audits.looks import describe_findings
from iac_components.search.audits.looks.findings import judge_findings
from iac_components.search.audits.looks.log import WHOLE
from iac_components.search.evidence.parts import Part
from iac_components.search_space import SearchSpace

SPACE = SearchSpace(2, operations=("none", "skip_connect", "sep_conv_3x3"), num_nodes=1)
CELL, SKIP, NODE = Part("cell", 0), Part("skip", 0), Part("node", 0, 0)
EDGE, OPERATION = Part("edge", 0, 1), Part("operation", 0, 1, 2)


def gains(*means, patients=6):
    noise = 1e-4 * np.linspace(-1, 1, patients)
    return np.array([mean + noise for mean in means])


def judged(**means):
    parts = {"cell": CELL, "skip": SKIP, "node": NODE, "edge": EDGE, "operation": OPERATION}
    reasons = means.pop("reasons", {})
    kept = [parts[name] for name in means]
    rows = gains(0.05, *means.values())
    return judge_findings([WHOLE, *kept], rows, alpha=0.05, reasons=reasons)


def test_each_part_says_where_it_is():
    plain = judged(cell=0.05, skip=0.1, node=0.05, edge=0.04, operation=0.03).plain(SPACE)
    assert [{k: v for k, v in p.items() if k != "effect"} for p in plain["parts"]] == [
        {"kind": "cell", "level": 0, "decided": "evidence"},
        {"kind": "skip", "level": 0, "decided": "evidence"},
        {"kind": "node", "level": 0, "node": 0, "decided": "evidence"},
        {"kind": "edge", "level": 0, "node": 0, "input": "gate", "decided": "evidence"},
        {
            "kind": "operation",
            "level": 0,
            "node": 0,
            "input": "gate",
            "operation": "sep_conv_3x3",
            "decided": "evidence",
        },
    ]
    assert plain["gain"]["mean"] == pytest.approx(0.05)
    assert plain["gain"]["low"] < 0.05 < plain["gain"]["high"]


def test_the_race_says_how_an_operation_was_decided():
    found = judged(operation=0.03, edge=0.04, reasons={OPERATION: "cost", EDGE: "undecided"})
    assert found.decided == {OPERATION: "cost", EDGE: "undecided"}
    assert found.undecided == [EDGE]


def test_what_may_be_nothing_is_undecided_but_for_a_skip():
    found = judged(cell=0.0, skip=0.0)
    assert found.decided == {CELL: "undecided", SKIP: "undecided"}
    assert found.undecided == [CELL]


def test_what_cannot_be_told_is_null():
    rows = gains(0.05, np.nan)
    plain = judge_findings([WHOLE, CELL], rows, alpha=0.05, reasons={}).plain(SPACE)
    assert plain["parts"][0]["effect"] == {"mean": None, "low": None, "high": None}
    json.dumps(plain, allow_nan=False)


def test_intervals_of_many_parts_are_wider_than_of_one():
    one, many = judged(cell=0.05), judged(cell=0.05, node=0.05, edge=0.05)
    assert many.effects.high[0] > one.effects.high[0]


def test_intervals_of_what_was_chosen_are_wider():
    rows = gains(0.05, 0.05)
    free = judge_findings([WHOLE, CELL], rows, alpha=0.05, reasons={})
    chosen = judge_findings([WHOLE, CELL], rows, alpha=0.05, reasons={}, rejected=9)
    assert chosen.effects.low[0] < free.effects.low[0]
    assert chosen.gain.low[0] == free.gain.low[0]


def test_intervals_hold_after_the_worst_were_removed():
    """Of 14 parts without any effect the two that were measured to be worth most are kept."""
    generator, wrong, rounds = np.random.default_rng(0), 0, 400
    for _ in range(rounds):
        effects = generator.normal(0, 0.01, (14, 6))
        kept = effects[np.argsort(effects.mean(axis=1))[-2:]]
        found = judge_findings(
            [Part("edge", 0, number) for number in range(len(kept))],
            kept,
            alpha=0.05,
            reasons={},
            rejected=12,
        )
        wrong += bool((found.effects.low > 0).any())
    assert wrong / rounds < 0.05


def sentence(found, *, searched, **more):
    plain = found.plain(SPACE)
    return describe_findings(
        {"patients": 6, "tolerance": 0.003, **plain, **more}, searched=searched
    )


def test_sentences():
    decided = judged(cell=0.05, node=0.05, edge=0.04)
    text = sentence(decided, searched=True)
    assert text.startswith("found 1 level(s) with a cell, 1 node(s), 1 edge(s), which gain 0.0500")
    assert text.endswith("every part is decided.")
    text = sentence(judged(cell=0.05, node=0.0), searched=False)
    assert text.startswith("not decided: ")
    assert text.endswith("1 of 2 parts are not decided.")
    nothing = judge_findings([SKIP], gains(0.1), alpha=0.05, reasons={})
    assert sentence(nothing, searched=True).startswith("no cell needed: without any, the loss of 6")
    text = sentence(nothing, searched=False)
    assert text.startswith("not decided: no cell was measured to be worth more than 0.003")
    assert text.endswith("nothing proves that none is needed.")
    text = sentence(nothing, searched=True, removed_for_cost=[{"kind": "cell"}], max_cost=1.01)
    assert text == "no cell: none keeps the cost within 1.01 of the plain network's."
