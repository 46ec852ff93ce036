"""A cell in bfloat16 on a CPU, where small features stay in float32."""

from __future__ import annotations

import pytest
import torch

from iac_components.common.small_convolutions import Float32SmallConvolutions
from iac_components.search_space import SearchSpace


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_a_cell_that_computes_its_features_anew_has_the_same_gradients(lone, spatial_dims):
    names = ("skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_5x5")
    cell = lone(SearchSpace(spatial_dims, names, 1)).open()
    cell.skip, cell.gate = cell.skip[..., :4, :4], cell.gate[..., :2, :2]
    found = []
    for checkpointing in (False, True):
        cell.cell.checkpointing = checkpointing
        cell.cell.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16), Float32SmallConvolutions():
            output = cell.run()
        output.float().square().sum().backward()
        found.append([parameter.grad.clone() for parameter in cell.cell.parameters()])
    assert all(map(torch.equal, *found))
