from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from found_cells import CELLS, with_findings
from matplotlib.figure import Figure

from iac_components.dints import ActivePath, DintsArchitecture, DintsSpace
from iac_components.visualization.findings.forest import MOST_ROWS, draw_effects
from iac_components.visualization.findings.marks import MARKS

Readable = Callable[[Figure], None]


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("decided", [("evidence",), ("evidence", "cost", "undecided")])
def test_any_findings_are_readable(
    figures: list[Figure], readable: Readable, tmp_path: Path, name: str, decided: tuple[str, ...]
) -> None:
    cell = with_findings(CELLS[name], skips=3 if name == "sites" else 4, decided=decided)
    draw_effects(cell, tmp_path / "effects.png")
    readable(figures[0])


def test_intervals_stand_at_their_numbers(figures: list[Figure], tmp_path: Path) -> None:
    cell = with_findings(CELLS["one_node"], decided=("evidence", "cost", "undecided"))
    draw_effects(cell, tmp_path / "effects.png")
    (axes,) = figures[0].axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[:4] == [
        "all cells together",
        "cell at skip level 0",
        "cell at skip level 1",
        "skip level 0 itself",
    ]
    assert names[-2:] == ["skip → node 0: sep conv 5×5", "gate → node 0: skip connect"]
    points = [line for line in axes.lines if line.get_marker() not in ("None", "")]
    assert [point.get_xdata()[0] for point in points] == pytest.approx([31, *range(1, 11)])
    assert [point.get_marker() for point in points[1:4]] == [
        MARKS[name].point for name in ("cost", "undecided", "evidence")
    ]
    spans = [tuple(line.get_xdata()) for line in axes.lines if line.get_marker() in ("None", "")]
    assert (12.0, 50.0) in spans
    assert any(span == pytest.approx((0.5, 1.5)) for span in spans)


def test_what_is_unknown_runs_over_the_whole_axis(figures: list[Figure], tmp_path: Path) -> None:
    unknown = {"mean": None, "low": None, "high": None}
    draw_effects(with_findings(CELLS["one_node"], gain=unknown), tmp_path / "effects.png")
    (axes,) = figures[0].axes
    assert any(tuple(line.get_xdata()) == axes.get_xlim() for line in axes.lines)


def topology(blocks: int) -> DintsArchitecture:
    paths = (ActivePath(0, 0, "conv_3x3x3"), ActivePath(1, 1, "skip_connect"))
    parts = [
        {
            "kind": "path",
            "level": block,
            "node": path.target,
            "input": f"depth_{path.source}",
            "effect": {"mean": 0.01, "low": 0.0, "high": 0.02},
            "decided": "undecided",
        }
        for block in range(blocks)
        for path in paths
    ]
    findings = {"patients": 9, "alpha": 0.05, "tolerance": 0.003, "parts": parts}
    findings["cost"] = {"activation_gigabytes": {"whole": 3.2, "found": 1.1}}
    provenance = {"kind": "undecided", "findings": findings}
    return DintsArchitecture(DintsSpace(blocks, 3), (paths,) * blocks, provenance)


@pytest.mark.parametrize("blocks", [2, 40])
def test_a_topology_has_effects_too(
    figures: list[Figure], readable: Readable, tmp_path: Path, blocks: int
) -> None:
    draw_effects(topology(blocks), tmp_path / "effects.png")
    readable(figures[0])
    labels = [[t.get_text() for t in axes.get_yticklabels()] for axes in figures[0].axes]
    assert sum(map(len, labels)) == 2 * blocks
    assert max(map(len, labels)) <= MOST_ROWS
    assert labels[0][1] == "block 0: depth 1 → 1"
    texts = [text.get_text() for text in figures[0].texts]
    assert texts[0] == "Topology so far, not decided"
    assert texts[-1] == f"Not decided: {2 * blocks} of {2 * blocks} parts"


def test_without_findings_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"provenance\.findings is missing"):
        draw_effects(CELLS["whole"], tmp_path / "effects.png")
    assert not (tmp_path / "effects.png").exists()
