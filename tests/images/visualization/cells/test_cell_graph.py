from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from found_cells import CELLS, with_findings
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.text import Text
from PIL import Image

from iac_components.search_space import (
    Genotype,
    GenotypeError,
    KeptEdge,
    NodeGenotype,
    SearchSpace,
    save_genotype,
)
from iac_components.visualization.cells.cell_graph import draw_cell, draw_genotype
from iac_components.visualization.cells.cell_panels import NO_CELL, OFF
from iac_components.visualization.cells.final_cell import ChosenOperation
from iac_components.visualization.findings.marks import MARKS

OPERATIONS = ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3", "dil_conv_5x5")
Readable = Callable[[Figure], None]
INPUTS = (("skip", "gate"), ("gate", "node_0"), ("skip", "node_0"), ("node_0", "node_1"))


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def cell(level: int = 0) -> list[ChosenOperation]:
    return [
        ChosenOperation(level, node, name, OPERATIONS[1 + (2 * node + place) % 4])
        for node, names in enumerate(INPUTS)
        for place, name in enumerate(names)
    ]


@pytest.mark.parametrize("levels", [1, 3])
def test_bare_edges_are_readable(
    figures: list[Figure], readable: Readable, tmp_path: Path, levels: int
) -> None:
    edges = [edge for level in range(levels) for edge in cell(level)]
    draw_cell(edges, tmp_path / "cell.png", operations=OPERATIONS)
    readable(figures[0])
    shown = texts(figures[0])
    assert shown.count("sep conv 3×3") == levels * 2
    assert shown.count("Skip level 1") == (levels > 1)
    assert {"skip", "gate", "node 3", "concat", "1×1 conv", "+", "output"} <= set(shown)


@pytest.mark.parametrize("as_file", [False, True])
def test_genotype_becomes_a_picture(tmp_path: Path, as_file: bool) -> None:
    nodes = tuple(
        NodeGenotype(
            0, node, tuple(KeptEdge(c.input, c.operation) for c in cell() if c.node == node)
        )
        for node in range(4)
    )
    genotype = Genotype(SearchSpace(2, OPERATIONS), nodes)
    save_genotype(genotype, tmp_path / "genotype.json")
    path = draw_genotype(tmp_path / "genotype.json" if as_file else genotype, tmp_path / "cell.png")
    colours = {rgb for _, rgb in Image.open(path).convert("RGB").getcolors(10**6)}
    assert (0, 0x72, 0xB2) in colours  # sep_conv_3x3
    assert (0x56, 0xB4, 0xE9) not in colours  # sep_conv_5x5 is not in the cell


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("findings", [False, True])
def test_any_cell_is_readable(
    figures: list[Figure], readable: Readable, tmp_path: Path, name: str, findings: bool
) -> None:
    drawn = CELLS[name]
    if findings:
        skips = 3 if name == "sites" else 4
        drawn = with_findings(drawn, skips=skips, decided=("evidence", "cost", "undecided"))
    draw_genotype(drawn, tmp_path / "cell.png")
    readable(figures[0])
    assert bool(figures[0].legends) == (findings and bool(drawn.nodes))


def test_what_went_is_drawn_as_gone(figures: list[Figure], tmp_path: Path) -> None:
    draw_genotype(CELLS["one_node"], tmp_path / "cell.png")
    shown = texts(figures[0])
    assert shown.count("not needed") == 3
    assert {"The cell of all other skip levels", "Skip level 2", "Skip level 3"} <= set(shown)
    assert {NO_CELL, OFF, "0"} <= set(shown)
    ghosts = [
        p for p in figures[0].findobj(FancyBboxPatch) if p.get_linestyle() not in ("-", "solid")
    ]
    assert len(ghosts) == 4  # three nodes, and the skip that is off


def test_levels_without_a_cell_are_named_by_their_site(
    figures: list[Figure], tmp_path: Path
) -> None:
    draw_genotype(CELLS["sites"], tmp_path / "cell.png")
    shown = texts(figures[0])
    assert {"Skip level 0 (finest)", "Bottleneck", "Decoder output 1"} <= set(shown)
    assert "Skip level 1, skip level 2, decoder output 0, decoder output 2" in shown
    # The block's output, not a skip, goes into the cells beyond the skips.
    assert shown.count("feature") == 4


@pytest.mark.parametrize("off", [(), (1,)])
def test_no_cell_at_all_is_said(
    figures: list[Figure], tmp_path: Path, off: tuple[int, ...]
) -> None:
    draw_genotype(replace(CELLS["no_cell"], off=off), tmp_path / "cell.png")
    shown = texts(figures[0])
    assert {"No cell", NO_CELL} <= set(shown)
    assert ("Skip level 1" in shown) == bool(off)
    assert "node 0" not in shown


@pytest.mark.parametrize("decided", MARKS)
def test_an_edge_shows_its_effect_and_how_it_was_decided(
    figures: list[Figure], tmp_path: Path, decided: str
) -> None:
    drawn = with_findings(CELLS["one_node"], decided=(decided,))
    draw_genotype(drawn, tmp_path / "cell.png")
    shown = texts(figures[0])
    # Two cells, three skips and a node come before the edges.
    assert {"sep conv 5×5\n7.0 [3.5, 10]", "skip connect\n8.0 [4.0, 12]"} <= set(shown)
    assert {"node 0", "6.0 [3.0, 9.0]", "cell at skip level 1: 2.0 [1.0, 3.0]"} <= set(shown)
    (legend,) = figures[0].legends
    assert [text.get_text() for text in legend.get_texts()] == [MARKS[decided].words]
    (handle,) = legend.legend_handles
    assert isinstance(handle, Line2D)
    assert handle.is_dashed() == (decided != "evidence")
    dashed = {patch.get_linestyle() for patch in figures[0].axes[0].findobj(PathPatch)} - {
        "-",
        "solid",
    }
    assert bool(dashed) == (decided != "evidence")


def test_faulty_findings_are_named(tmp_path: Path) -> None:
    faulty = replace(CELLS["whole"], provenance={"findings": {"parts": 3}})
    with pytest.raises(GenotypeError, match=r"provenance\.findings\.parts must be a list"):
        draw_genotype(faulty, tmp_path / "cell.png")


def test_faulty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "genotype.json").write_text("{")
    with pytest.raises(GenotypeError, match=r"genotype\.json': not valid JSON"):
        draw_genotype(tmp_path / "genotype.json", tmp_path / "cell.png")
    assert not (tmp_path / "cell.png").exists()
