"""The supernet around a real backbone: as one, pruned, copied and loaded."""

from __future__ import annotations

import copy

import pytest
import torch
from small_networks import OPERATIONS, backbone, image, opened

from iac_components.networks import (
    CellSearchNetwork,
    skip_modules,
)
from iac_components.search_space import (
    SearchCell,
)


def supernet(seed=0, dims=2, **options):
    return CellSearchNetwork(backbone(seed, dims), operations=OPERATIONS, num_nodes=2, **options)


@pytest.mark.parametrize("dims", [2, 3])
@torch.no_grad()
def test_fresh_supernet_is_its_backbone(dims):
    network, x = supernet(dims=dims).eval(), image(dims)
    assert torch.equal(network(x), backbone(dims=dims)(x))
    assert not torch.equal(opened(network)(x), backbone(dims=dims)(x))


@pytest.mark.parametrize("separate", [False, True])
def test_one_row_of_weights_a_genotype(separate):
    network = supernet(separate_levels=separate)
    levels = 4 if separate else 1
    assert network.space.levels == levels
    assert network.architecture.alphas.shape == (levels, 5, 3)
    assert network.architecture.betas.shape == (levels, 5)
    cells = skip_modules(network)
    assert [cell.level for cell in cells] == ([0, 1, 2, 3] if separate else [0] * 4)
    assert all(isinstance(cell, SearchCell) for cell in cells)


def some_dead(network):
    alive = torch.ones_like(network.architecture.alive)
    alive[0, 0, :2] = False
    alive[0, 2] = False
    alive[-1, 4, 2] = False
    return alive


@pytest.mark.parametrize("separate", [False, True])
@torch.no_grad()
def test_pruned_supernet_restores_into_a_fresh_one(tmp_path, separate):
    network = opened(supernet(separate_levels=separate)).eval()
    before = sum(p.numel() for p in network.parameters())
    full = network(image())
    network.prune(some_dead(network))
    assert sum(p.numel() for p in network.parameters()) < before
    expected = network(image())
    assert not torch.equal(expected, full)
    torch.save(network.state_dict(), tmp_path / "state.pt")
    fresh = supernet(seed=3, separate_levels=separate).eval()
    fresh.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(fresh(image()), expected)
    assert fresh.state_dict().keys() == network.state_dict().keys()
    assert torch.equal(fresh.architecture.alive, network.architecture.alive)
    assert {n for n, _ in fresh.named_parameters()} == {n for n, _ in network.named_parameters()}


@torch.no_grad()
def test_masked_equals_deleted_in_the_whole_network():
    network = opened(supernet()).eval()
    network.architecture.prune(some_dead(network))
    masked = network(image())
    network.prune(some_dead(network))
    # Not to the bit: fewer edges share a convolution, which then rounds otherwise.
    assert torch.allclose(network(image()), masked, atol=1e-5)


@torch.no_grad()
def test_pruning_everything_leaves_the_plain_network():
    network = opened(supernet()).eval()
    assert not torch.equal(network(image()), backbone()(image()))
    network.prune(torch.zeros_like(network.architecture.alive))
    assert torch.equal(network(image()), backbone()(image()))
    assert network.treatments.tolist() == [1, 1, 1, 1]
    assert list(network.weight_parameters()) == []


def test_rows_die_with_the_last_cell_that_uses_them():
    shared = supernet()
    shared.remove_cells([0, 1, 2])
    assert shared.alive.all()
    shared.switch_off([3])
    assert not shared.alive.any()
    separate = supernet(separate_levels=True)
    separate.remove_cells([1])
    assert separate.alive.any(dim=-1).any(dim=-1).tolist() == [True, False, True, True]
    alive = torch.ones_like(separate.alive)
    alive[2] = False
    separate.prune(alive)
    assert separate.treatments.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("method", ["remove_cells", "switch_off"])
@pytest.mark.parametrize("level", [-1, 4])
def test_levels_that_are_not_there_are_named(method, level):
    network = supernet()
    with pytest.raises(ValueError, match=f"levels must be from 0 to 3, got {level}"):
        getattr(network, method)([0, level])
    assert network.treatments.tolist() == [0] * 4


@torch.no_grad()
def test_state_from_before_there_were_treatments_loads():
    network = opened(supernet()).eval()
    state = dict(network.state_dict())
    del state["treatments"]
    fresh = supernet(seed=2).eval()
    fresh.load_state_dict(state)
    assert torch.equal(fresh(image()), network(image()))


def test_description_for_the_progress_bar():
    network = supernet()
    assert network.describe() == {"ops": "15/15", "decided": "0/5 edges"}
    network.prune(some_dead(network))
    assert network.describe() == {"ops": "9/15", "decided": "2/5 edges"}


@torch.no_grad()
def test_copy_is_whole_and_apart():
    network = opened(supernet()).eval()
    other = copy.deepcopy(network)
    expected = network(image())
    assert torch.equal(other(image()), expected)
    other.prune(some_dead(other))
    assert torch.equal(network(image()), expected)
    assert network.architecture.alive.all()
    fresh = copy.deepcopy(network)
    fresh.load_state_dict(other.state_dict())  # the hook prunes the copy, not the original
    assert torch.equal(fresh(image()), other(image()))
    assert network.architecture.alive.all()


def test_channels_that_do_not_divide_leave_the_backbone_alone():
    plain = backbone(features=(6,) * 6)
    keys = plain.state_dict().keys()
    with pytest.raises(ValueError, match="6 channels cannot be divided by K=4: choose a K"):
        CellSearchNetwork(plain, operations=OPERATIONS)
    assert plain.state_dict().keys() == keys
    CellSearchNetwork(plain, operations=OPERATIONS, channel_divisor=2)
