"""The supernet: MONAI's function, two disjoint sets of parameters, deletions that really delete."""

from __future__ import annotations

import contextlib
import io

import pytest
import torch
from dints_searches import PATCH, SPACE, supernet
from monai.networks.nets.dints import DiNTS, TopologySearch

from iac_components.dints import DintsSearchNetwork, DintsSpace
from iac_components.dints.search_topology import DEAD_LOGIT


def x(channels: int = 1) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(2, channels, *PATCH)


@pytest.mark.parametrize(
    "space", [SPACE, DintsSpace(2, 3, channel_mul=0.125, spatial_dims=2)], ids=str
)
def test_the_same_function_as_monais(space: DintsSpace) -> None:
    ours = supernet(space, spread=1.0)
    with contextlib.redirect_stdout(io.StringIO()):
        search = TopologySearch(
            channel_mul=space.channel_mul,
            num_blocks=space.num_blocks,
            num_depths=space.num_depths,
            spatial_dims=space.spatial_dims,
        )
        theirs = DiNTS(search, 1, 2, spatial_dims=space.spatial_dims)
    state = ours.state_dict()
    del state["dints_space.alive"]
    theirs.load_state_dict(state)
    image = torch.randn(2, 1, *[2 * space.size_multiple] * space.spatial_dims)
    torch.testing.assert_close(ours(image), theirs(image), rtol=1e-4, atol=1e-4)
    ours(image).square().mean().backward()
    theirs(image).square().mean().backward()
    for name in ("log_alpha_a", "log_alpha_c"):
        found, expected = (getattr(n.dints_space, name).grad for n in (ours, theirs))
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


def test_parameters_are_two_disjoint_sets() -> None:
    network = supernet()
    weights = {id(p) for p in network.weight_parameters()}
    architecture = {id(p) for p in network.architecture_parameters()}
    assert not weights & architecture
    assert weights | architecture == {id(p) for p in network.parameters()}
    assert len(architecture) == 2


def mask(network: DintsSearchNetwork, *dead: tuple[int, ...]) -> torch.Tensor:
    alive = network.alive.clone()
    for index in dead:
        alive[index] = False
    return alive


def test_deleting_is_the_same_as_ignoring() -> None:
    """A network whose alphas say "never" computes what the pruned one does."""
    dead = ((0, 1), (1, 2, 0), (1, 2, 3), (2, 0, 4))
    pruned, whole = supernet(spread=1.0), supernet(spread=1.0)
    with torch.no_grad():
        whole.topology.log_alpha_a[0, 1] = DEAD_LOGIT
        for index in dead[1:]:
            whole.topology.log_alpha_c[index] = DEAD_LOGIT
    pruned.prune(mask(pruned, *dead))
    torch.testing.assert_close(pruned(x()), whole(x()), rtol=1e-5, atol=1e-5)


def test_a_pruned_module_is_gone() -> None:
    network = supernet()
    before = sum(p.numel() for p in network.weight_parameters())
    cells = network.topology.cell_tree
    path = sum(p.numel() for p in cells["(0, 1)"].parameters())
    operation = sum(p.numel() for p in cells["(1, 2)"].op.ops[1].parameters())
    network.prune(mask(network, (0, 1), (1, 2, 1)))
    assert "(0, 1)" not in network.topology.cell_tree
    assert sum(p.numel() for p in network.weight_parameters()) == before - path - operation
    assert network.describe() == {"ops": "54/60", "paths": "11/12"}


def test_dead_entries_have_no_weight_and_no_gradient() -> None:
    network = supernet(spread=1.0)
    network.prune(mask(network, (0, 1), (1, 2, 0)))
    operations, paths = network.distributions()
    assert paths[0, 1] == 0
    assert not operations[0, 1].any()
    assert operations[1, 2, 0] == 0
    torch.testing.assert_close(operations[1, 2].sum(), torch.tensor(1.0))
    network(x()).square().mean().backward()
    assert network.topology.log_alpha_a.grad[0, 1] == 0
    assert not network.topology.log_alpha_c.grad[0, 1].any()
    assert network.topology.log_alpha_c.grad[1, 2, 0] == 0
    assert all(torch.isfinite(p.grad).all() for p in network.architecture_parameters())


def test_a_pruned_state_loads_into_a_whole_network() -> None:
    pruned, fresh = supernet(spread=1.0), supernet()
    pruned.prune(mask(pruned, (0, 1), (1, 2, 0), (2, 3)))
    fresh.load_state_dict(pruned.state_dict())
    assert torch.equal(fresh(x()), pruned(x()))
    assert torch.equal(fresh.alive, pruned.alive)


@pytest.mark.parametrize(
    ("alive", "message"),
    [
        (torch.ones(2, 2, dtype=torch.bool), r"expected a mask of \(3, 4, 5\)"),
        (torch.zeros(3, 4, 5, dtype=torch.bool), "without a path"),
    ],
)
def test_bad_masks(alive: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        supernet().prune(alive)


def test_what_is_dead_stays_dead() -> None:
    network = supernet()
    network.prune(mask(network, (0, 1)))
    network.prune(torch.ones_like(network.alive))
    assert not network.alive[0, 1].any()


def test_every_depth_may_lose_its_paths() -> None:
    network = supernet()
    alive = torch.zeros_like(network.alive)
    alive[:, 0, 1] = True
    network.prune(alive)
    assert network(x()).shape == (2, 2, *PATCH)


def test_the_discrete_network_inherits_the_weights() -> None:
    """One path and one operation with full weight: the supernet is its own discrete network."""
    network = supernet(spread=1.0)
    alive = torch.zeros_like(network.alive)
    alive[:, 0, 2] = True
    network.prune(alive)
    with torch.no_grad():
        network.topology.log_alpha_a[:, 0] = 30.0
    architecture = network.decode()
    assert architecture.blocks == (((0, 0, "conv_3x3x1"),),) * 3
    torch.testing.assert_close(network.inherited(architecture)(x()), network(x()))


def test_a_pruned_architecture_cannot_be_inherited() -> None:
    network = supernet(spread=1.0)
    architecture = network.decode()
    source, target, operation = architecture.blocks[0][0]
    row = SPACE.paths.index((source, target))
    network.prune(mask(network, (0, row, SPACE.operations.index(operation))))
    with pytest.raises(ValueError, match=r"block 0: .* was pruned"):
        network.inherited(architecture)
