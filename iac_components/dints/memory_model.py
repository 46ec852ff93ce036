"""Activation memory of an architecture in training, measured as the bytes that autograd keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from monai.networks.nets.dints import Cell

from iac_components.dints.decoding import BudgetError, cheapest, dearest
from iac_components.dints.topology import DintsArchitecture
from iac_components.dints.topology_grid import DintsSpace
from iac_components.dints.topology_network import DintsNetwork
from iac_components.networks import kept_bytes

__all__ = ["GIGABYTE", "MemoryBudget", "MemoryModel", "memory_budget"]

GIGABYTE = 1e9

Bytes = npt.NDArray[np.float64]


class MemoryModel:
    """Activation memory of every path and operation, for one batch in float32.

    Differs from MONAI's ``ram_cost``, a formula for each block that leaves the stems out: here each
    block runs on PyTorch's meta device, where tensors have shapes and no storage, and what autograd
    would keep is counted. The sum over an architecture's blocks is what its network keeps. Weights,
    their gradients, the optimizer's state and temporary buffers come on top; mixed precision needs
    about half.

    Args:
        network: the supernet, or any DiNTS network of the space.
        input_shape: (B, C, *S) of a training batch.

    Attributes:
        costs: (L, P, O) bytes of the operations, preprocessing included.
        first_costs: (2**D,) bytes of the stems that feed a set of depths.
        last_costs: (2**D,) bytes of the stems that a set of depths ends in.
        fixed: bytes of the last layers.

    Raises:
        ValueError: if the patch does not fit the space.
    """

    def __init__(self, network: DintsNetwork, *, input_shape: Sequence[int]) -> None:
        space = network.space
        batch, channels, *patch = input_shape
        space.check_patch(patch)
        self.space = space
        self.input_shape = tuple(input_shape)
        features = [
            (
                batch,
                network.filter_nums[depth + int(space.use_downsample)],
                *(size >> (depth + int(space.use_downsample)) for size in patch),
            )
            for depth in range(space.num_depths)
        ]
        block = [_path_costs(space, features, source, target) for source, target in space.paths]
        self.costs: Bytes = np.stack([np.array(block)] * space.num_blocks)
        depths = range(space.num_depths)
        image = (batch, channels, *patch)
        down = [kept_bytes(network.stem_down[str(d)], image) for d in depths]
        up = [kept_bytes(network.stem_up[str(d)], features[d]) for d in depths]
        sets = np.arange(1 << space.num_depths)
        # A stem leads into every active depth of the first column; from the deepest active one of
        # the last column stems lead up through all finer ones.
        self.first_costs: Bytes = np.sum([(sets >> d & 1) * float(down[d]) for d in depths], axis=0)
        self.last_costs: Bytes = np.sum([(sets >> d > 0) * float(up[d]) for d in depths], axis=0)
        last = (batch, network.filter_nums[0], *patch)
        self.fixed = float(kept_bytes(network.stem_finals, last))

    @property
    def all_stems(self) -> float:
        """Bytes of all stems and the last layers."""
        return float(self.fixed + self.first_costs[-1] + self.last_costs[-1])

    @property
    def node_costs(self) -> tuple[Bytes, Bytes]:
        """Bytes of the stems before and behind the blocks."""
        return self.first_costs, self.last_costs

    @cached_property
    def largest(self) -> float:
        """Bytes with all paths at once, each with its dearest operation."""
        return self.fixed + dearest(self.space, self.costs, node_costs=self.node_costs)

    @cached_property
    def smallest(self) -> float:
        """Bytes of the cheapest architecture."""
        return self.fixed + cheapest(self.space, self.costs, node_costs=self.node_costs)

    def of(self, architecture: DintsArchitecture) -> float:
        """Bytes of the network of an architecture."""
        first, *_, last = (
            sum(int(active) << depth for depth, active in enumerate(nodes))
            for nodes in architecture.node_activations
        )
        stems = self.fixed + self.first_costs[first] + self.last_costs[last]
        return float(self.costs[architecture.choices].sum() + stems)


@dataclass(frozen=True)
class MemoryBudget:
    """Upper bound of an architecture's activation memory, as a fraction or in gigabytes.

    Attributes:
        memory: model of the costs.
        fraction: of the largest network of the space (all paths, dearest operations).
        gigabytes: 10**9 bytes for the batch of ``memory``, instead of the fraction.

    Raises:
        ValueError: if not exactly one of the two is given, or it is not positive.
        BudgetError: if not even the cheapest architecture fits; the message says what that needs.
    """

    memory: MemoryModel
    fraction: float | None = None
    gigabytes: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.fraction, self.gigabytes) if value is not None]
        if len(given) != 1 or not given[0] > 0:
            raise ValueError(
                "give either memory_fraction or memory_gigabytes, above zero, and leave the other "
                f"null; got {self.fraction} and {self.gigabytes}."
            )
        least, largest = self.memory.smallest, self.memory.largest
        if self.bytes < least:
            raise BudgetError(
                f"no architecture meets a budget of {self.bytes / GIGABYTE:.4g} GB "
                f"({self.bytes / largest:.3g} of the whole space): the least for a batch of "
                f"{self.memory.input_shape} is {least / GIGABYTE:.4g} GB (fraction "
                f"{least / largest:.3g}). Raise the budget, or lower batch_size, patch_size or "
                "channel_mul."
            )

    @property
    def bytes(self) -> float:
        """The budget."""
        if self.gigabytes is not None:
            return self.gigabytes * GIGABYTE
        return float(self.fraction or 0) * self.memory.largest

    @property
    def path_bytes(self) -> float:
        """Share of the budget for paths and stems, in bytes."""
        return self.bytes - self.memory.fixed


def _path_costs(
    space: DintsSpace, features: Sequence[Sequence[int]], source: int, target: int
) -> list[int]:
    """Bytes of a path with each of its operations."""
    with torch.device("meta"):
        cell = Cell(
            features[source][1],
            features[target][1],
            source - target,
            spatial_dims=space.spatial_dims,
        )
    before = kept_bytes(cell.preprocess, features[source])
    return [before + kept_bytes(operation, features[target]) for operation in cell.op.ops]


def memory_budget(
    network: DintsNetwork,
    *,
    batch_size: int,
    in_channels: int,
    patch_size: Sequence[int],
    fraction: float | None,
    gigabytes: float | None,
) -> MemoryBudget:
    """Measure a supernet, and return the budget in gigabytes if one is given, else the fraction.

    Args:
        network: the supernet.
        batch_size: patches of a batch.
        in_channels: channels of a patch.
        patch_size: its voxels along each axis.
        fraction: of the largest network of the space.
        gigabytes: 10**9 bytes; None leaves it to the fraction.

    Raises:
        ValueError: if both are None.
        BudgetError: if not even the cheapest architecture fits.
    """
    memory = MemoryModel(network, input_shape=(batch_size, in_channels, *patch_size))
    return MemoryBudget(memory, None if gigabytes is not None else fraction, gigabytes)
