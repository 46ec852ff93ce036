"""The DiNTS network around a topology: MONAI's stems, without branching on tensors."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import torch
from monai.networks.nets.dints import CellInterface, DiNTS, StemInterface, TopologyInstance
from torch import nn

from iac_components.common.built_weights import note_built
from iac_components.dints.topology import ArchitectureError, DintsArchitecture, load_architecture
from iac_components.dints.topology_grid import DintsSpace

__all__ = ["DintsNetwork", "Features", "FixedTopology", "build_dints_network", "monai_arguments"]

Features = list[torch.Tensor | None]
"""One feature (B, C, *S) for each depth; None where no path leads."""


def monai_arguments(space: DintsSpace) -> dict[str, int | float | bool]:
    """Arguments of MONAI's topology classes for a space."""
    return {
        "channel_mul": space.channel_mul,
        "num_blocks": space.num_blocks,
        "num_depths": space.num_depths,
        "spatial_dims": space.spatial_dims,
        "use_downsample": space.use_downsample,
    }


class FixedTopology(TopologyInstance):
    """MONAI's instance of an architecture, with a list of paths instead of a tensor.

    Args:
        architecture: to build.
    """

    def __init__(self, architecture: DintsArchitecture) -> None:
        codes = [architecture.path_mask.astype("float32"), architecture.operation_indices]
        # MONAI prints a recommendation that check_patch gives as an error.
        with redirect_stdout(io.StringIO()):
            super().__init__(arch_code=codes, **monai_arguments(architecture.space))
        rows = {path: row for row, path in enumerate(architecture.space.paths)}
        self._plan = [
            [(path.source, path.target, f"({block}, {rows[path[:2]]})") for path in paths]
            for block, paths in enumerate(architecture.blocks)
        ]

    # Annotations and types of locals are what TorchScript needs: it follows no alias of a type, and
    # finds a module by its name where the type says what the module takes.
    def forward(self, x: list[torch.Tensor | None]) -> list[torch.Tensor | None]:
        """Map one feature a depth to one feature a depth."""
        nodes = x
        for paths in self._plan:
            following: list[torch.Tensor | None] = []
            for _ in range(self.num_depths):
                following.append(None)
            for source, target, key in paths:
                feature = nodes[source]
                if feature is None:
                    raise RuntimeError(f"no path leads to depth {source}, from which one starts.")
                cell: CellInterface = self.cell_tree[key]
                output = cell.forward(feature, None)
                held = following[target]
                following[target] = output if held is None else held + output
            nodes = following
        return nodes


class DintsNetwork(DiNTS):
    """MONAI's DiNTS with the same modules and state dict, and a forward pass that exports.

    MONAI's own asks a tensor which nodes are active, which ``torch.export`` and ONNX cannot follow,
    and computes stems whose output nobody reads.

    Args:
        topology: maps one feature a depth to one a depth.
        space: what the topology was built from.
        in_channels: channels of the image.
        out_channels: classes, background included.
        first_nodes: which depths the topology reads.
    """

    def __init__(
        self,
        topology: nn.Module,
        *,
        space: DintsSpace,
        in_channels: int,
        out_channels: int,
        first_nodes: Sequence[int],
    ) -> None:
        super().__init__(
            topology,
            in_channels,
            out_channels,
            spatial_dims=space.spatial_dims,
            use_downsample=space.use_downsample,
        )
        self.space = space
        self.first_nodes = tuple(bool(node) for node in first_nodes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (B, C, *S) to logits (B, K, *S); every side a multiple of the space's."""
        return self.read_nodes(self.dints_space(self.first_column(x)))

    def first_column(self, x: torch.Tensor) -> list[torch.Tensor | None]:
        """Map images (B, C, *S) to the first block's input."""
        nodes: list[torch.Tensor | None] = []
        for depth, active in enumerate(self.first_nodes):
            if active:
                stem: StemInterface = self.stem_down[str(depth)]
                nodes.append(stem.forward(x))
            else:
                nodes.append(None)
        return nodes

    def read_nodes(self, nodes: list[torch.Tensor | None]) -> torch.Tensor:
        """Map the last block's features to logits (B, K, *S)."""
        coarser: torch.Tensor | None = None
        for depth in range(self.num_depths - 1, -1, -1):
            feature = nodes[depth]
            if feature is None:
                feature = coarser
            elif coarser is not None:
                feature = feature + coarser
            if feature is not None:
                stem: StemInterface = self.stem_up[str(depth)]
                coarser = stem.forward(feature)
        if coarser is None:
            raise RuntimeError("no path leads to the last block.")
        logits: torch.Tensor = self.stem_finals(coarser)
        return logits


def build_dints_network(
    architecture: DintsArchitecture | str | Path,
    *,
    in_channels: int,
    out_channels: int,
    patch_size: Sequence[int] | None = None,
    space: DintsSpace | None = None,
) -> DintsNetwork:
    """Build the network of an architecture, ready to be trained.

    Args:
        architecture: the architecture, or its ``architecture.json``.
        in_channels: channels of the image.
        out_channels: classes, background included.
        patch_size: refuse patches that the architecture's depth cannot divide.
        space: refuse architectures of another space.

    Raises:
        ArchitectureError: if the file is unusable or of another space.
        ValueError: if the patch does not fit the space.

    Example:
        >>> found = iac.build_dints_network(
        ...     "runs/topology/architecture.json", in_channels=1, out_channels=3
        ... )
        >>> found(torch.zeros(1, 1, 32, 32, 32)).shape[1]
        3
    """
    if not isinstance(architecture, DintsArchitecture):
        architecture = load_architecture(architecture, space=space)
    elif space is not None and architecture.space != space:
        raise ArchitectureError(f"the architecture is of {architecture.space}, not of {space}.")
    if patch_size is not None:
        architecture.space.check_patch(patch_size)
    network = DintsNetwork(
        FixedTopology(architecture),
        space=architecture.space,
        in_channels=in_channels,
        out_channels=out_channels,
        first_nodes=architecture.node_activations[0],
    )
    return note_built(network)
