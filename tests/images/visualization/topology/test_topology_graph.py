from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from iac_components.visualization import read_topology, read_trace
from iac_components.visualization.colours import operation_colours
from iac_components.visualization.topology.path_trace import trace_paths
from iac_components.visualization.topology.topology_graph import draw_topology
from iac_components.visualization.topology.topology_parts import DROP, STEP

Make = Callable[..., Path]


def lines(figure: Figure, kind: str) -> list[Line2D]:
    return [line for line in figure.axes[0].lines if line.get_gid() == kind]


def circles(figure: Figure, kind: str) -> set[tuple[int, int]]:
    found = [c for c in figure.axes[0].patches if isinstance(c, Circle) and c.get_gid() == kind]
    return {(round(c.center[0] / STEP), round(-c.center[1] / DROP)) for c in found}


def place(line: Line2D) -> tuple[int, int, int]:
    """Block, source and target depth of a line."""
    (x, _), (source, target) = line.get_xdata(), line.get_ydata()
    return round(x / STEP), round(-source / DROP), round(-target / DROP)


@pytest.mark.parametrize(("blocks", "depths"), [(1, 2), (4, 3), (12, 4)])
@pytest.mark.parametrize("with_trace", [True, False])
def test_any_space_is_readable(
    make_search: Make,
    figures: list[Figure],
    readable: Callable[[Figure], None],
    tmp_path: Path,
    blocks: int,
    depths: int,
    with_trace: bool,
) -> None:
    folder = make_search(blocks, depths)
    draw_topology(
        tmp_path / "topology.png",
        topology=read_topology(folder / "architecture.json"),
        trace=read_trace(folder / "search_trace.csv") if with_trace else None,
    )
    readable(figures[0])
    possible = len(lines(figures[0], "possible")) + len(lines(figures[0], "removed"))
    assert possible == blocks * (3 * depths - 2)
    assert bool(lines(figures[0], "probability")) == with_trace


def test_chosen_paths_have_the_colour_of_their_operation(
    make_search: Make, figures: list[Figure], tmp_path: Path
) -> None:
    topology = read_topology(make_search(12, 4) / "architecture.json")
    draw_topology(tmp_path / "topology.png", topology=topology)
    (figure,) = figures
    colours = operation_colours(topology.space.operations)
    paths = {
        (block, p.source, p.target): p.operation
        for block, chosen in enumerate(topology.blocks)
        for p in chosen
    }
    expected = {path: colours[operation] for path, operation in paths.items()}
    assert {place(x): to_hex(x.get_color()) for x in lines(figure, "chosen")} == expected
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    used = [name for name in topology.space.operations if name in paths.values()]
    names = [name.replace("_", " ").replace("3x", "3×").replace("1x", "1×") for name in used]
    assert legend == [*names, "possible path"]
    touched = {(block, source) for block, source, _ in paths}
    touched |= {(block + 1, target) for block, _, target in paths}
    assert circles(figure, "active node") == touched
    assert len(circles(figure, "node")) == 13 * 4 - len(touched)


@pytest.mark.parametrize(("epoch", "shown"), [(2, 2), (None, 6)])
def test_bands_are_as_wide_as_the_path_is_probable(
    make_search: Make, figures: list[Figure], tmp_path: Path, epoch: int | None, shown: int
) -> None:
    trace = read_trace(make_search() / "search_trace.csv")
    draw_topology(tmp_path / "topology.png", trace=trace, epoch=epoch)
    paths = trace_paths(trace)
    alive, share = paths.alive[shown - 1], paths.probability[shown - 1]
    bands = {place(line): line for line in lines(figures[0], "probability")}
    assert len(bands) == alive.sum()
    assert len(lines(figures[0], "removed")) == (~alive).sum()
    for (block, *path), line in bands.items():
        row = paths.paths.index(tuple(path))
        assert line.get_linewidth() == pytest.approx(10 * share[block, row])
        assert line.get_alpha() == pytest.approx(0.2 + 0.45 * share[block, row])
    texts = Counter(text.get_text() for text in figures[0].legends[0].get_texts())
    assert texts["removed by pruning"] == (not alive.all())
    assert figures[0].axes[0].texts[-1].get_text() == f"Path probabilities: epoch {shown}"
    assert "chosen" not in {line.get_gid() for line in figures[0].axes[0].lines}


def test_title_says_where_the_topology_came_from(
    make_search: Make, figures: list[Figure], tmp_path: Path
) -> None:
    folder = make_search()
    facts = {"epoch": 3, "memory": {"activation_gigabytes": 5.456, "x": {"y": 1}}, "best": True}
    topology = replace(read_topology(folder / "architecture.json"), provenance=facts)
    trace = read_trace(folder / "search_trace.csv")
    draw_topology(tmp_path / "a.png", topology=topology, trace=trace)
    draw_topology(tmp_path / "b.png", topology=topology, trace=trace, epoch=5)
    draw_topology(tmp_path / "c.png", topology=replace(topology, provenance={}))
    titles = [f.axes[0].texts[-1].get_text().replace("\n", " ") for f in figures]
    head = "Chosen topology: epoch 3, activations 5.46 GB"
    assert titles == [
        head,
        f"{head}, probabilities of epoch 5",
        "Chosen topology",
    ]


@pytest.mark.parametrize(
    ("use_downsample", "names"),
    [(True, ("1/2 resolution", "1/8 resolution")), (False, ("full resolution", "1/4 resolution"))],
)
def test_rows_name_their_resolution(
    make_search: Make,
    figures: list[Figure],
    tmp_path: Path,
    use_downsample: bool,
    names: tuple[str, str],
) -> None:
    topology = read_topology(make_search() / "architecture.json")
    topology = replace(topology, space=replace(topology.space, use_downsample=use_downsample))
    draw_topology(tmp_path / "topology.png", topology=topology)
    rows = {t.get_text(): round(-t.get_position()[1] / DROP) for t in figures[0].axes[0].texts}
    assert [rows[name] for name in names] == [0, 2]
    assert sum("resolution" in text for text in rows) == 3


def test_the_same_picture_has_the_same_bytes(make_search: Make, tmp_path: Path) -> None:
    topology = read_topology(make_search() / "architecture.json")
    first, second = (draw_topology(tmp_path / f"{n}.png", topology=topology) for n in "ab")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("epoch", [0, 7])
def test_absent_epoch_is_named(make_search: Make, tmp_path: Path, epoch: int) -> None:
    trace = read_trace(make_search() / "search_trace.csv")
    with pytest.raises(ValueError, match=rf"epoch is {epoch}, but the trace holds 1 to 6"):
        draw_topology(tmp_path / "topology.png", trace=trace, epoch=epoch)


def test_files_of_different_searches_are_refused(make_search: Make, tmp_path: Path) -> None:
    topology = read_topology(make_search(12, 4) / "architecture.json")
    trace = read_trace(make_search(4, 3) / "search_trace.csv")
    with pytest.raises(ValueError, match="has 12 blocks of 4 depths, the trace 4 of 3"):
        draw_topology(tmp_path / "topology.png", topology=topology, trace=trace)


def test_nothing_to_draw_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pass a topology, a trace or both"):
        draw_topology(tmp_path / "topology.png")
