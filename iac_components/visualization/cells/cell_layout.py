"""Layout of a cell's picture: pure geometry, in inches.

The nodes stand in a row. An edge from the skip input runs above the row, one from the gate below
it, one between neighbours straight along it, and any other on the side where it crosses fewer::

    skip ----------------+----.
    skip ----+           |     \
             v           v      v
           (node 0)->(node 1) (node 2) ---- concat, 1x1 --(+)-- output
             ^                  ^
    gate ----+------------------'

Above and below, each edge has a lane (a height) of its own wherever two would overlap, so labels
on the horizontal parts never meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from iac_components.visualization.cells.final_cell import ChosenOperation

__all__ = ["CellLayout", "Route", "lay_out_cell"]

Point = tuple[float, float]

INPUT_WIDTH = 0.78
NARROW = 0.22  # between a node that went and what stands before it
PORT = 0.20  # distance between two arrows at one side of a node
CHARACTER = 0.085  # width of a letter of a label at the drawing's font size
SIDE_INPUTS = {"skip": 1, "gate": -1}


@dataclass(frozen=True)
class Sizes:
    """Inches of a picture's parts.

    Attributes:
        node_width: of a node's box.
        node_height: of a node's box.
        lane: from one lane to the next.
        first_lane: height of the lowest lane over the middle of the row.
    """

    node_width: float = 0.78
    node_height: float = 0.40
    lane: float = 0.42
    first_lane: float = 0.60


PLAIN = Sizes()
DETAILED = Sizes(node_width=1.02, node_height=0.50, lane=0.56, first_lane=0.72)
"""With a line of numbers in every box and label."""


@dataclass(frozen=True)
class Route:
    """Route of an edge: corner points from its source to its target, and its label's middle."""

    edge: ChosenOperation
    points: tuple[Point, ...]
    label: Point


@dataclass(frozen=True)
class CellLayout:
    """The picture of one cell.

    Attributes:
        sizes: of its parts.
        nodes: middle of each node, those that went included.
        gone: numbers of the nodes that went.
        inputs: for "skip" and "gate", the x of the box's middle and its lowest and highest y.
        routes: one an edge.
        drops: where each node's output leaves downward, from the node to the collecting line.
        bottom: y of the collecting line.
        top: y of the identity line from the skip input to the output.
    """

    sizes: Sizes
    nodes: tuple[Point, ...]
    gone: frozenset[int]
    inputs: dict[str, tuple[float, float, float]]
    routes: tuple[Route, ...]
    drops: tuple[Point, ...]
    bottom: float
    top: float


@dataclass(frozen=True)
class _Lane:
    """An edge on its way: columns of source (-1 for an input) and target, side and lane."""

    edge: ChosenOperation
    source: int
    target: int
    side: int = 0
    lane: int = 0

    def overlaps(self, other: _Lane) -> bool:
        return self.source < other.target and other.source < self.target

    def crosses(self, other: _Lane) -> bool:
        inside = (self.source < other.source, other.source < self.target < other.target)
        outside = (other.source < self.source, self.source < other.target < self.target)
        return all(inside) or all(outside)


def lay_out_cell(
    edges: Sequence[ChosenOperation],
    *,
    longest_label: int,
    num_nodes: int = 0,
    sizes: Sizes = PLAIN,
) -> CellLayout:
    """Place nodes, edges and labels of the cell of one level.

    Args:
        edges: the edges of one cell, all of the same level.
        longest_label: letters of the longest label, for the distance between nodes.
        num_nodes: how many the search began with, for the place of those that went.
        sizes: of the parts.

    Raises:
        ValueError: naming an input that is neither ``skip``, ``gate`` nor an earlier node.
    """
    lanes = _assign_lanes(edges)
    kept = {lane.target for lane in lanes}
    count = max(num_nodes, 1 + max(kept))
    gone = frozenset(range(count)) - kept
    nodes = _place_nodes(count, gone, max(0.45 + CHARACTER * longest_label, 0.82), sizes)
    ports = _ports(lanes, nodes, sizes)
    foot = -sizes.node_height / 2
    drops = tuple((ports[(None, node)], foot) for node in range(count) if node in kept)
    heights = {
        side: [abs(_height(lane, sizes)) for lane in lanes if lane.side == side] for side in (1, -1)
    }
    inputs = {
        name: _input_box(side, [_height(x, sizes) for x in lanes if x.edge.input == name], sizes)
        for name, side in SIDE_INPUTS.items()
    }
    verticals = [x for (_, _), x in ports.items()]
    return CellLayout(
        sizes=sizes,
        nodes=nodes,
        gone=gone,
        inputs=inputs,
        routes=tuple(_route(lane, nodes, ports, verticals, sizes) for lane in lanes),
        drops=drops,
        bottom=-max([sizes.first_lane, *heights[-1]]) - 0.45,
        top=max([sizes.first_lane, *heights[1]]) + 0.45,
    )


def _place_nodes(count: int, gone: frozenset[int], room: float, sizes: Sizes) -> tuple[Point, ...]:
    """Put the nodes into a row, with room for labels before those that are kept."""
    nodes, end = [], INPUT_WIDTH / 2
    for node in range(count):
        middle = end + (NARROW if node in gone else room) + sizes.node_width / 2
        nodes.append((middle, 0.0))
        end = middle + sizes.node_width / 2
    return tuple(nodes)


def _assign_lanes(edges: Sequence[ChosenOperation]) -> list[_Lane]:
    """Give each edge a side and a lane: short edges lie inside long ones, so these do not cross."""
    placed: list[_Lane] = []
    unplaced = [_Lane(edge, _source(edge), edge.node) for edge in edges]
    # Inputs first: their side is fixed, and the others choose the side where they cross less.
    unplaced.sort(key=lambda x: (x.source >= 0, x.target - x.source, x.target))
    for lane in unplaced:
        side = SIDE_INPUTS.get(lane.edge.input)
        if side is None and lane.target - lane.source > 1:
            side = min((1, -1), key=lambda s: _crowding(lane, placed, s))
        placed.append(_Lane(lane.edge, lane.source, lane.target, side or 0))
    placed.sort(key=lambda x: (x.target - x.source, x.target))
    result: list[_Lane] = []
    for lane in placed:
        below = [x.lane for x in result if x.side == lane.side and x.overlaps(lane)]
        number = 1 + max(below, default=-1)
        result.append(_Lane(lane.edge, lane.source, lane.target, lane.side, number))
    return result


def _source(edge: ChosenOperation) -> int:
    """Return the column an edge starts from: -1 for the inputs, else the node's number."""
    if edge.input in SIDE_INPUTS:
        return -1
    number = edge.input.removeprefix("node_")
    if edge.input == number or not number.isdecimal() or int(number) >= edge.node:
        raise ValueError(
            f"level {edge.level}, node {edge.node} has the input '{edge.input}'; it must be "
            "'skip', 'gate' or an earlier 'node_<number>'"
        )
    return int(number)


def _crowding(lane: _Lane, placed: Sequence[_Lane], side: int) -> tuple[int, int]:
    others = [other for other in placed if other.side == side]
    return sum(lane.crosses(other) for other in others), len(others)


def _height(lane: _Lane, sizes: Sizes) -> float:
    return lane.side * (sizes.first_lane + sizes.lane * lane.lane)


def _input_box(side: int, heights: Sequence[float], sizes: Sizes) -> tuple[float, float, float]:
    reached = list(heights) or [side * sizes.first_lane]
    return 0.0, min(reached) - 0.2, max(reached) + 0.2


def _ports(
    lanes: Sequence[_Lane], nodes: Sequence[Point], sizes: Sizes
) -> dict[tuple[ChosenOperation | None, int], float]:
    """Return the x at which each edge meets its source and target node from above or below.

    From left to right: arrivals from the lowest lane up, the node's own output, departures from
    the highest lane down. In this order edges that share a node never cross there.
    """
    ports: dict[tuple[ChosenOperation | None, int], float] = {}
    for node, (middle, _) in enumerate(nodes):
        for side in (1, -1):
            here = sorted((x for x in lanes if x.side == side), key=lambda x: x.lane)
            arrivals: list[ChosenOperation | None] = [x.edge for x in here if x.target == node]
            departures = [x.edge for x in reversed(here) if x.source == node]
            order = arrivals + ([None] if side < 0 else []) + departures
            distance = min(PORT, (sizes.node_width - 0.16) / max(len(order) - 1, 1))
            for place, edge in enumerate(order):
                ports[(edge, node)] = middle + distance * (place - (len(order) - 1) / 2)
    return ports


def _route(
    lane: _Lane,
    nodes: Sequence[Point],
    ports: dict[tuple[ChosenOperation | None, int], float],
    verticals: Sequence[float],
    sizes: Sizes,
) -> Route:
    if lane.side == 0:
        left = (nodes[lane.source][0] + sizes.node_width / 2, 0.0)
        right = (nodes[lane.target][0] - sizes.node_width / 2, 0.0)
        return Route(lane.edge, (left, right), ((left[0] + right[0]) / 2 - 0.05, 0.0))
    height, foot = _height(lane, sizes), lane.side * sizes.node_height / 2
    end = ports[(lane.edge, lane.target)]
    points: tuple[Point, ...] = ((end, height), (end, foot))
    if lane.source < 0:
        begin = INPUT_WIDTH / 2
        points = ((begin, height), *points)
    else:
        begin = ports[(lane.edge, lane.source)]
        points = ((begin, foot), (begin, height), *points)
    return Route(lane.edge, points, (_label_x(begin, end, verticals), height))


def _label_x(begin: float, end: float, verticals: Sequence[float]) -> float:
    """Return the x nearest the middle of a lane that is farthest from what may cross the lane."""
    inside = sorted({begin, end, *(x for x in verticals if begin < x < end)})
    gaps = [(b - a, (a + b) / 2) for a, b in pairwise(inside)]
    widest = max(width for width, _ in gaps)
    middle = (begin + end) / 2
    return min((x for width, x in gaps if width > widest - 0.3), key=lambda x: abs(x - middle))
