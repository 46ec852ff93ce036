"""Input and output layers that the search cell and the discrete cell share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

import torch
from monai.networks.layers.factories import Conv
from torch import nn
from torch.jit import is_tracing
from torch.nn.functional import conv2d, conv3d

from iac_components.search_space.cells.feature_maps import make_norm, resize_linearly
from iac_components.search_space.space import CELL_INPUTS

__all__ = ["CellFrame"]


class CellFrame(nn.Module):
    r"""Inputs and output of a resolution-preserving cell.

    ::

        skip (B, C, *S) --1x1--------------> state 'skip' --\
                                                             nodes --concat--1x1--x scale--+--> out
        gate (B, G, *s) --1x1--upsample----> state 'gate' --/                              |
        skip ------------------------------------------------------------------------------/

    The last scale starts at zero: a fresh cell returns its skip input unchanged, so implanting it
    changes nothing. Source: our choice, after zero-initialised residual branches; what feeds the
    cell is left open by arXiv 2405.03420.

    Args:
        skip_channels: C.
        gate_channels: G.
        spatial_dims: 2 or 3.
        num_nodes: intermediate nodes, concatenated at the output.
        affine: whether the norms learn a scale and shift.
        inputs: the inputs that a node is fed by; the others get no projection.
    """

    def __init__(
        self,
        skip_channels: int,
        gate_channels: int,
        *,
        spatial_dims: int,
        num_nodes: int,
        affine: bool,
        inputs: Collection[str] = CELL_INPUTS,
    ) -> None:
        super().__init__()
        convolution = Conv[Conv.CONV, spatial_dims]
        if "skip" in inputs:
            self.skip_projection = nn.Sequential(
                convolution(skip_channels, skip_channels, 1, bias=False),
                make_norm(skip_channels, affine),
            )
        if "gate" in inputs:
            self.gate_projection = nn.Sequential(
                convolution(gate_channels, skip_channels, 1, bias=False),
                make_norm(skip_channels, affine),
            )
        self.output_projection = nn.Sequential(
            convolution(num_nodes * skip_channels, skip_channels, 1, bias=False),
            make_norm(skip_channels, affine=False),
        )
        self.scale = nn.Parameter(torch.zeros(1, skip_channels, *([1] * spatial_dims)))

    def project_inputs(
        self, skip: torch.Tensor, gate: torch.Tensor, names: Collection[str] = CELL_INPUTS
    ) -> dict[str, torch.Tensor]:
        """Project the named inputs to the skip's channels and size; returns the states by name."""
        states: dict[str, torch.Tensor] = {}
        if "skip" in names:
            states["skip"] = self.skip_projection(skip)
        if "gate" in names:
            states["gate"] = resize_linearly(self.gate_projection(gate), skip)
        return states

    def add_to_skip(self, skip: torch.Tensor, nodes: Sequence[torch.Tensor | None]) -> torch.Tensor:
        """Project the concatenated nodes to C channels, scale them, and add the skip.

        Removed nodes are None: their channels of the projection are left out. Without any node the
        skip itself is returned.
        """
        present = [node for node in nodes if node is not None]
        if not present:
            return skip
        if len(present) == len(nodes):
            return self.add_all_to_skip(skip, present)
        features = torch.cat(present, dim=1)
        convolution, norm = self.output_projection
        blocks = cast(nn.Conv2d, convolution).weight.chunk(len(nodes), dim=1)
        kept = [block for block, node in zip(blocks, nodes, strict=True) if node is not None]
        project = conv2d if skip.ndim == 4 else conv3d
        return self._add_scaled(skip, norm(project(features, torch.cat(kept, dim=1))))

    def add_all_to_skip(self, skip: torch.Tensor, nodes: list[torch.Tensor]) -> torch.Tensor:
        """As :meth:`add_to_skip`, of a cell that has all its nodes."""
        return self._add_scaled(skip, self.output_projection(torch.cat(nodes, dim=1)))

    def _add_scaled(self, skip: torch.Tensor, refined: torch.Tensor) -> torch.Tensor:
        # Strides of a single voxel are ambiguous, and a convolution that finds other ones may round
        # otherwise. A trace would warn of the question.
        if not torch.jit.is_scripting():  # noqa: SIM102  (TorchScript leaves out a whole block)
            if not is_tracing() and skip.shape[2:].numel() == 1:  # type: ignore[no-untyped-call]
                return skip.clone().addcmul_(self.scale, refined)
        return torch.addcmul(skip, self.scale, refined)
