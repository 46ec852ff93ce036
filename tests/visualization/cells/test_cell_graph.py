from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
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
from iac_components.visualization.cells import cell_graph
from iac_components.visualization.cells.cell_graph import draw_cell, draw_genotype
from iac_components.visualization.cells.final_cell import ChosenOperation

OPERATIONS = ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3", "dil_conv_5x5")
INPUTS = (("skip", "gate"), ("gate", "node_0"), ("skip", "node_0"), ("node_0", "node_1"))


def cell(level: int = 0) -> list[ChosenOperation]:
    return [
        ChosenOperation(level, node, name, OPERATIONS[1 + (2 * node + place) % 4])
        for node, names in enumerate(INPUTS)
        for place, name in enumerate(names)
    ]


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures drawn, kept before they are written."""
    kept: list[Figure] = []
    write = cell_graph.write_png

    def keep(figure: Figure, path: str | Path) -> Path:
        kept.append(figure)
        return write(figure, path)

    monkeypatch.setattr(cell_graph, "write_png", keep)
    return kept


@pytest.mark.parametrize("levels", [1, 3])
def test_no_text_overlaps_and_all_is_inside(
    figures: list[Figure], tmp_path: Path, levels: int
) -> None:
    edges = [edge for level in range(levels) for edge in cell(level)]
    draw_cell(edges, tmp_path / "cell.png", operations=OPERATIONS)
    (figure,) = figures
    renderer = FigureCanvasAgg(figure).get_renderer()
    texts = [text for axes in figure.axes for text in axes.findobj(Text) if text.get_text()]
    boxes = [text.get_window_extent(renderer) for text in texts]
    assert not [(a, b) for a, b in combinations(boxes, 2) if a.overlaps(b)]
    width, height = figure.get_size_inches() * figure.dpi
    assert all(box.x0 >= 0 and box.x1 <= width and 0 <= box.y0 <= height for box in boxes)
    shown = [text.get_text() for text in texts]
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


def test_faulty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "genotype.json").write_text("{")
    with pytest.raises(GenotypeError, match=r"genotype\.json': not valid JSON"):
        draw_genotype(tmp_path / "genotype.json", tmp_path / "cell.png")
    assert not (tmp_path / "cell.png").exists()
