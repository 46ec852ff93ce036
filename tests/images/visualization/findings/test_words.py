from __future__ import annotations

import math

import pytest
from found_cells import CELLS, with_findings

from iac_components.dints import DintsSpace
from iac_components.search_space import Genotype, SearchSpace
from iac_components.visualization.findings.recorded import Interval, recorded_findings
from iac_components.visualization.findings.words import headline, interval_words, place_words


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (Interval(0.02, 0.01, 0.03), "20 [10, 30]"),
        (Interval(0.0026, -0.0004, 0.123), "2.6 [−0.40, 123]"),
        (Interval(0.00099, -0.000001, 0.00995), "0.99 [0, 10]"),
        (Interval(math.nan, -math.inf, math.inf), "? [−∞, ∞]"),
    ],
)
def test_an_effect_is_said_in_thousandths(interval: Interval, words: str) -> None:
    assert interval_words(interval) == words


@pytest.mark.parametrize(
    ("sites", "levels", "names"),
    [
        (("skips",), 1, {0: "skip level 0", 3: "skip level 3"}),
        (("skips",), 4, {3: "skip level 3"}),
        (("skips", "bottleneck"), 4, {2: "skip level 2", 3: "bottleneck"}),
        (("skips", "decoder"), 6, {2: "skip level 2", 3: "decoder output 0"}),
        (
            ("skips", "bottleneck", "decoder"),
            7,
            {2: "skip level 2", 3: "bottleneck", 4: "decoder output 0", 6: "decoder output 2"},
        ),
        (("bottleneck",), 1, {0: "bottleneck"}),
        (("decoder",), 3, {2: "decoder output 2"}),
        (("bottleneck", "decoder"), 4, {0: "bottleneck", 1: "decoder output 0"}),
        (("skips", "bottleneck"), 1, {2: "level 2"}),
    ],
)
def test_levels_are_named_by_their_site(
    sites: tuple[str, ...], levels: int, names: dict[int, str]
) -> None:
    space = SearchSpace(3, levels=levels, sites=sites)
    assert {level: place_words(space, level) for level in names} == names


def test_levels_of_a_topology_are_blocks() -> None:
    assert place_words(DintsSpace(), 7) == "block 7"


def lines(genotype: Genotype) -> list[str]:
    findings = recorded_findings(genotype)
    assert findings is not None
    return headline(genotype, findings)


def test_headline_gives_gain_and_cost() -> None:
    assert lines(with_findings(CELLS["one_node"])) == [
        "Found cell",
        "Gain over no cell in 12 patients: 31 [12, 50] × 10⁻³ of the loss (95 % interval)",
        "Cost against the plain network: time × 1.10 (5 → 5.5 ms), multiply-adds × 1.18, "
        "parameters × 1.05",
    ]


def test_headline_of_an_undecided_search_says_so() -> None:
    cell = with_findings(CELLS["whole"], kind="undecided", decided=("undecided", "evidence"))
    shown = lines(cell)
    assert shown[0] == "Cell so far, not decided"
    # Of 8 cells and skips, 4 nodes, 8 edges, 8 operations; skips do not count.
    assert shown[-1] == "Not decided: 12 of 24 parts"


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (
            {"mean": 0.0, "low": 0.0, "high": 0.0},
            "Without any, the loss in 12 patients is at most 3.0 × 10⁻³ above that with cells",
        ),
        (
            {"mean": 0.0004, "low": -0.002, "high": 0.0026},
            "What cells gain in 12 patients: 0.40 [−2.0, 2.6] × 10⁻³ of the loss (95 % interval)",
        ),
    ],
)
def test_no_cell_is_a_finding_of_its_own(gain: dict[str, float | None], words: str) -> None:
    assert lines(with_findings(CELLS["no_cell"], gain=gain)) == ["No cell needed", words]
    undecided = with_findings(CELLS["no_cell"], gain=gain, kind="undecided")
    assert lines(undecided)[0] == "No cell so far, not decided"
