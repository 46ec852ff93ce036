"""The space counts and orders its paths and operations as MONAI does."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets.dints import Cell, DiNTS, TopologySearch

from iac_components.dints.topology_grid import OPERATIONS, DintsSpace


def monai_space(space):
    return TopologySearch(
        channel_mul=space.channel_mul,
        num_blocks=space.num_blocks,
        num_depths=space.num_depths,
        spatial_dims=space.spatial_dims,
        use_downsample=space.use_downsample,
    )


@pytest.mark.parametrize("num_depths", [2, 3, 4])
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_space_is_monai_s(num_depths, spatial_dims, capsys):
    space = DintsSpace(2, num_depths, spatial_dims, channel_mul=0.0625)
    theirs = monai_space(space)
    assert space.paths == tuple(zip(theirs.arch_code2in, theirs.arch_code2out, strict=True))
    shape = (space.num_blocks, len(space.paths), len(space.operations))
    assert tuple(theirs.log_alpha_c.shape) == shape
    assert tuple(theirs.log_alpha_a.shape) == shape[:2]
    capsys.readouterr()


def test_operations_are_monai_s():
    assert {2: tuple(Cell.OPS2D), 3: tuple(Cell.OPS3D)} == OPERATIONS


@pytest.mark.parametrize("use_downsample", [True, False])
@pytest.mark.parametrize("num_depths", [2, 3])
def test_smallest_patch_passes_through_monai_s_network(num_depths, use_downsample, capsys):
    space = DintsSpace(2, num_depths, 2, use_downsample, channel_mul=0.0625)
    side = 2 * space.size_multiple
    space.check_patch([side, side])
    network = DiNTS(monai_space(space), 1, 2, spatial_dims=2, use_downsample=space.use_downsample)
    with torch.no_grad():
        assert network(torch.zeros(1, 1, side, side)).shape == (1, 2, side, side)
    capsys.readouterr()


@pytest.mark.parametrize("patch", [(32, 32), (32, 32, 16), (48, 40, 32), ()])
def test_patch_that_does_not_fit(patch):
    with pytest.raises(ValueError, match="multiple of 16 and at least 32, or lower num_depths"):
        DintsSpace().check_patch(patch)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"spatial_dims": 1}, "space.spatial_dims must be 2 or 3, got 1"),
        ({"num_blocks": 0}, "space.num_blocks must be 1 to 64, got 0"),
        ({"num_depths": 1}, "space.num_depths must be 2 to 5, got 1"),
        ({"num_depths": 6}, "space.num_depths must be 2 to 5, got 6"),
        ({"channel_mul": 0.05}, "space.channel_mul must make 2 channels"),
        ({"channel_mul": -1.0}, "space.channel_mul must make 2 channels"),
        ({"channel_mul": float("inf")}, "fewer than 65536, got inf"),
        ({"channel_mul": float("nan")}, "space.channel_mul must make 2 channels"),
    ],
)
def test_field_out_of_range(fields, message):
    with pytest.raises(ValueError, match=message):
        DintsSpace(**fields)


def test_edges_are_the_paths_seen_from_their_target():
    space = DintsSpace(2, 3)
    ends = tuple((int(edge.input.removeprefix("depth_")), edge.node) for edge in space.edges)
    assert ends == space.paths
    assert (space.levels, space.num_nodes, space.none_index) == (2, 3, None)
    assert space.inputs_of(1) == ("depth_0", "depth_1", "depth_2")
    covered = [row for node in range(3) for row in range(len(space.edges))[space.edges_of(node)]]
    assert covered == list(range(len(space.edges)))
    assert {edge.node for edge in space.edges[space.edges_of(2)]} == {2}
