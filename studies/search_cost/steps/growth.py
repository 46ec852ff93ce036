"""Growth of a search step's cost: one factor varies, all else stays at the base point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import cast

import numpy as np
import torch
from monai.losses import DiceCELoss
from monai.networks.nets import DynUNet
from torch.optim import Adam, AdamW

from iac_components.networks import CellSearchNetwork, SkipFusion
from studies.measuring.rounds import summary, time_rounds
from studies.search_cost.steps.kept import kept_bytes, search_passes
from studies.search_cost.steps.steps import Batch, SearchStep, noise_batch

__all__ = [
    "BASE",
    "COSTS",
    "FACTORS",
    "Factor",
    "Point",
    "build_network",
    "build_step",
    "doubling",
    "measure_factor",
    "noise",
]

OPERATIONS = (
    "skip_connect",
    "sep_conv_3x3",
    "max_pool_3x3",
    "dil_conv_3x3",
    "avg_pool_3x3",
    "sep_conv_5x5",
    "none",
    "dil_conv_5x5",
)
"""The search's operations in an order in which each pair has one convolution."""

Record = Mapping[str, object]

FILTERS = (16, 16, 32, 64, 128)
CLASSES = 3


@dataclass(frozen=True)
class Point:
    """A search on a frozen DynUNet.

    Attributes:
        spatial_dims: 2 or 3.
        depth: skip connections of the backbone.
        levels: how many of them have a cell, counted from the finest.
        num_nodes: nodes of a cell.
        operations: candidate operations of an edge.
        channel_divisor: K of the partial channels.
        side: of a square or cubic image.
        batch_size: images of a batch.
    """

    spatial_dims: int = 2
    depth: int = 4
    levels: int = 4
    num_nodes: int = 4
    operations: int = 8
    channel_divisor: int = 4
    side: int = 64
    batch_size: int = 4

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}.")
        if not 2 <= self.depth < len(FILTERS):
            raise ValueError(f"depth must be 2 to {len(FILTERS) - 1}, got {self.depth}.")
        smallest = 2 ** (self.depth + 1)
        if self.side % 2**self.depth or self.side < smallest:
            raise ValueError(
                f"side must be a multiple of {2**self.depth} and at least {smallest} for a "
                f"backbone of {self.depth} skip connections, got {self.side}."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """(B, C, *S) of a batch."""
        return (self.batch_size, 1, *[self.side] * self.spatial_dims)

    @property
    def voxels(self) -> int:
        """Pixels or voxels of an image."""
        return int(self.side**self.spatial_dims)


BASE = Point()


@dataclass(frozen=True)
class Factor:
    """Varied factor.

    Attributes:
        name: the attribute of :class:`Point` that is put on the axis.
        title: how to call it.
        points: changes of the base point, one for each value.
        series: how to call these points where a picture holds several series.
    """

    name: str
    title: str
    points: tuple[Mapping[str, int], ...] = field(default=())
    series: str = ""

    @property
    def key(self) -> str:
        """A name of its own."""
        return f"{self.name}_{self.series.lower()}".replace("-", "") if self.series else self.name


def _vary(name: str, title: str, *values: int) -> Factor:
    return Factor(name, title, tuple({name: value} for value in values))


def _images(spatial_dims: int, *sides: int) -> Factor:
    """Images of a number of dimensions; in pairs, since one 3-D image falls to a slow kernel."""
    shallow = {"spatial_dims": spatial_dims, "depth": 2, "levels": 2, "batch_size": 2}
    points = tuple({**shallow, "side": side} for side in sides)
    return Factor("voxels", "pixels or voxels of an image", points, series=f"{spatial_dims}-D")


FACTORS = {
    factor.key: factor
    for factor in (
        _vary("levels", "skip connections with a cell", 1, 2, 3, 4),
        _vary("num_nodes", "nodes of a cell", 1, 2, 3, 4, 5),
        _vary("operations", "operations of an edge", 2, 4, 6, 8),
        _vary("channel_divisor", "K of the partial channels", 1, 2, 4, 8),
        _vary("side", "side of the image", 32, 48, 64, 96, 128),
        _vary("batch_size", "images of a batch", 2, 4, 8, 16),
        _images(2, 32, 64, 128),
        _images(3, 8, 16, 24, 32),
    )
}
"""By their keys. 64 x 64 pixels are as many as 16 x 16 x 16 voxels."""


def build_network(point: Point) -> CellSearchNetwork:
    """Build the supernet of a point, on a GPU if there is one."""
    torch.manual_seed(0)
    strides = [1, *[2] * point.depth]
    backbone = DynUNet(
        point.spatial_dims,
        1,
        CLASSES,
        kernel_size=[3] * len(strides),
        strides=strides,
        upsample_kernel_size=strides[1:],
        filters=FILTERS[: len(strides)],
    )
    network = CellSearchNetwork(
        backbone,
        operations=OPERATIONS[: point.operations],
        num_nodes=point.num_nodes,
        channel_divisor=point.channel_divisor,
    )
    # A DynUNet holds a block under two names.
    for path, module in list(network.named_modules(remove_duplicate=False)):
        if isinstance(module, SkipFusion) and module.connection.level >= point.levels:
            network.set_submodule(path, module.block)
    return network.to("cuda" if torch.cuda.is_available() else "cpu")


def build_step(
    network: CellSearchNetwork, handlers: Sequence[object] = ()
) -> tuple[SearchStep, DiceCELoss]:
    """Build a step with the bundles' optimizers and loss, and the loss itself."""
    loss = DiceCELoss(to_onehot_y=True, softmax=True)
    step = SearchStep(
        network,
        loss=loss,
        optimizer=AdamW(network.weight_parameters(), lr=3e-3),
        architecture_optimizer=Adam(network.architecture_parameters(), lr=1e-2),
        handlers=handlers,
    )
    return step, loss


def noise(point: Point, device: torch.device) -> list[Batch]:
    """Draw a batch for the weights and one for the architecture."""
    return [noise_batch(point.shape, classes=CLASSES, device=device) for _ in range(2)]


def _least(kind: str, row: Record) -> float:
    return cast("dict[str, dict[str, float]]", row["seconds"])[kind]["minimum"]


def _kept(row: Record) -> float:
    return max(cast("dict[str, int]", row["saved_bytes"]).values())


COSTS: Mapping[str, Callable[[Record], float]] = {
    "time": partial(_least, "wall"),
    "cpu_time": partial(_least, "cpu"),
    "memory": _kept,
}
"""Figures of a row that are fitted: least seconds, wall and CPU, and the larger pass's bytes."""


def measure_factor(factor: Factor, base: Point, *, repeats: int) -> dict[str, object]:
    """Time a step at every point of a factor, in turns, and count what it keeps.

    Returns:
        A row for each point, and by what a doubling of the value multiplies the costs: over all
        points, and between the last two, where what a step costs at any size weighs least.

    Raises:
        ValueError: if a point is impossible.
    """
    points = [replace(base, **change) for change in factor.points]
    values = [int(getattr(point, factor.name)) for point in points]
    networks = [build_network(point) for point in points]
    device = next(networks[0].parameters()).device
    batches = [noise(point, device) for point in points]
    steps = [build_step(network) for network in networks]
    runs = {
        place: partial(step, *pair)
        for place, ((step, _), pair) in enumerate(zip(steps, batches, strict=True))
    }
    times = time_rounds(runs, repeats=repeats, device=device)
    rows: list[dict[str, object]] = []
    for place, (network, pair) in enumerate(zip(networks, batches, strict=True)):
        loss = partial(_loss, network, steps[place][1], pair[0])
        rows.append(
            {
                "value": values[place],
                "point": asdict(points[place]),
                "seconds": summary(times[place]),
                "saved_bytes": kept_bytes(network, loss, search_passes(network)),
                "parameters": sum(p.numel() for p in network.weight_parameters()),
            }
        )
    return {
        "factor": factor.name,
        "title": factor.title,
        "series": factor.series,
        "rows": rows,
        "doubling_multiplies": _doublings(rows),
        "last_doubling_multiplies": _doublings(rows[-2:]),
    }


def _doublings(rows: Sequence[Record]) -> dict[str, float]:
    values = [cast(int, row["value"]) for row in rows]
    return {cost: doubling(values, [figure(r) for r in rows]) for cost, figure in COSTS.items()}


def doubling(values: Sequence[float], costs: Sequence[float]) -> float:
    """By what twice the value multiplies the cost: of the power law fitted by least squares.

    Raises:
        ValueError: if there are fewer than two values, or one is not positive.
    """
    if len(values) < 2 or min(*values, *costs) <= 0:
        raise ValueError(f"a power law needs two positive points, got {values} and {costs}.")
    exponent = np.polyfit(np.log(values), np.log(costs), 1)[0]
    return float(2**exponent)


def _loss(network: CellSearchNetwork, loss: DiceCELoss, batch: Batch) -> torch.Tensor:
    value: torch.Tensor = loss(network(batch["image"]), batch["label"])
    return value
