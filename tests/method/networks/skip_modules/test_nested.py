"""The nest has U-Net++'s nodes, and nothing leaks from one forward pass into another."""

from __future__ import annotations

import copy
import io
import threading

import pytest
import torch
from monai.networks.nets import BasicUNetPlusPlus
from torch import nn
from torch.nn.functional import interpolate

from iac_components.networks import (
    SkipConnection,
    find_skip_connections,
    implant,
    implant_skip_module,
    skip_modules,
)
from iac_components.networks.skip_modules import NestedFeatures, skip_module_factory

CHANNELS, SIZES = (2, 3, 5), (12, 6, 3)


def make_rows(channels=CHANNELS, dims=2):
    torch.manual_seed(0)
    connections = [
        SkipConnection(f"up{i}", i, width, gate_channels=7, spatial_dims=dims)
        for i, width in enumerate(channels)
    ]
    make = skip_module_factory("nested")(connections)
    return [make(connection).eval() for connection in connections]


def skips(dims=2):
    return [torch.randn(1, c, *[s] * dims) for c, s in zip(CHANNELS, SIZES, strict=True)]


def held(network):
    """Tensors that the rows hold beyond their parameters and buffers."""
    return [t for row in skip_modules(network) for t in row.features._columns]


@pytest.mark.parametrize("levels", [1, 2, 3, 4, 5])
def test_row_i_has_one_node_less_than_the_levels_below_it(levels):
    rows = make_rows(channels=(2,) * levels)
    assert [len(row.blocks) for row in rows] == list(range(levels))[::-1]


def test_nodes_are_the_inner_ones_of_unet_plus_plus(basic):
    """Those that ``BasicUNetPlusPlus`` has besides the decoder's own, X(i, 4-i)."""
    rows = skip_modules(implant_skip_module(basic.network(), "nested"))
    children = dict(BasicUNetPlusPlus(2, 1, 2, (3, 4, 6, 8, 10, 5)).named_children())
    places = [tuple(map(int, n.split("_")[1:])) for n in children if n.startswith("upcat")]
    inner = sorted((i, j) for i, j in places if i + j < 4)
    assert [(r.level, j + 1) for r in rows for j in range(len(r.blocks))] == inner
    for row, (_, width, _) in zip(rows, basic.skips, strict=True):
        for block in row.blocks:
            first, second = block.conv_0.conv, block.conv_1.conv
            assert first.out_channels == second.in_channels == second.out_channels == width


@pytest.mark.parametrize("dims", [2, 3])
@torch.no_grad()
def test_three_levels_by_hand(dims):
    rows, (x00, x10, x20) = make_rows(dims=dims), skips(dims)
    mode = {2: "bilinear", 3: "trilinear"}[dims]

    def up(x, size):
        return interpolate(x, size=[size] * dims, mode=mode, align_corners=False)

    fine, middle, coarse = rows
    x11 = middle.blocks[0](torch.cat([x10, up(x20, 6)], dim=1))
    x01 = fine.blocks[0](torch.cat([x00, up(x10, 12)], dim=1))
    x02 = fine.blocks[1](torch.cat([x00, x01, up(x11, 12)], dim=1))
    gate = torch.rand(1, 7, *[2] * dims)
    outputs = [row(x, gate) for row, x in zip(rows[::-1], (x20, x10, x00), strict=True)]
    assert torch.equal(outputs[0], x20)
    assert isinstance(coarse.merge, nn.Identity)
    assert torch.equal(outputs[1], middle.merge(torch.cat([x10, x11], dim=1)))
    assert torch.equal(outputs[2], fine.merge(torch.cat([x00, x01, x02], dim=1)))
    assert fine.merge.conv.weight.shape == (2, 6, *[1] * dims)


def test_nothing_stays_after_a_pass(family):
    network = implant_skip_module(family.network(), "nested")
    assert not held(network)
    network(family.image())
    assert not held(network)


class Failure(nn.Module):
    def forward(self, skip, gate):
        raise RuntimeError("out of memory")


def fail(module, inputs):
    raise RuntimeError("out of memory")


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_pass_after_a_failure_works(basic, level):
    network = implant_skip_module(basic.network(), "nested")
    image, expected = basic.image(), network(basic.image())
    handle = skip_modules(network)[level].register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        network(image + 1)
    handle.remove()
    assert torch.equal(copy.deepcopy(network)(image), expected)
    assert torch.equal(network(image), expected)
    assert not held(network)


def test_copies_and_saved_modules_have_features_of_their_own(basic):
    network = implant_skip_module(basic.network(), "nested")
    skip_modules(network)[0].features.put(1, [torch.ones(1, requires_grad=True) * 2])
    buffer = io.BytesIO()
    torch.save(network, buffer)
    buffer.seek(0)
    for twin in (copy.deepcopy(network), torch.load(buffer, weights_only=False)):
        shared = {id(row.features) for row in skip_modules(twin)}
        assert len(shared) == 1
        assert shared.isdisjoint({id(row.features) for row in skip_modules(network)})
        assert not held(twin)


@torch.no_grad()
def test_interleaved_networks_do_not_mix():
    one, other = make_rows(), make_rows()
    pairs = list(zip(skips(), skips(), strict=True))
    alone = [
        [row(x[i], x[i]) for row, x in zip(one[::-1], pairs[::-1], strict=True)] for i in (0, 1)
    ]
    for level in (2, 1, 0):
        for index, rows in enumerate((one, other)):
            skip = pairs[level][index]
            assert torch.equal(rows[level](skip, skip), alone[index][2 - level])


@torch.no_grad()
def test_threads_that_share_a_network_do_not_mix(basic):
    network = implant_skip_module(basic.network(), "nested")
    image, other = basic.image(), torch.rand(basic.shape)
    expected, from_thread = network(image), []

    def run():
        with torch.no_grad():
            from_thread.append(network(other))

    def interrupt():
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    pending = [interrupt]  # once: the thread's own pass is not to start another thread
    skip_modules(network)[1].register_forward_pre_hook(
        lambda *_: pending.pop()() if pending else None
    )
    assert torch.equal(network(image), expected)
    assert torch.equal(from_thread[0], network(other))


def test_gradients_flow_across_levels():
    rows, features = make_rows(), [x.requires_grad_() for x in skips()]
    for row, x in zip(rows[:0:-1], features[:0:-1], strict=True):
        row(x, x)
    rows[0](features[0], features[0]).square().sum().backward()
    assert all(x.grad is not None and x.grad.count_nonzero() for x in features)


def test_wrong_order_is_named():
    fine, middle, coarse = make_rows()
    x00, x10, x20 = skips()
    with pytest.raises(RuntimeError, match="features of level 1, found those of none"):
        fine(x00, x00)
    coarse(x20, x20)
    with pytest.raises(RuntimeError, match=r"level 1, found those of 2.*coarse to fine"):
        fine(x00, x00)
    coarse(x20, x20)
    middle(x10, x10)
    assert fine(x00, x00).shape == x00.shape


def test_features_are_taken_once():
    features = NestedFeatures()
    features.put(2, [torch.zeros(1)])
    assert len(features.take(2)) == 1
    with pytest.raises(RuntimeError, match="of level 2, found those of none"):
        features.take(2)


def test_a_single_skip_is_passed_on():
    (row,) = make_rows(channels=(2,))
    x = torch.rand(1, 2, 4, 4)
    assert torch.equal(row(x, x), x)
    assert not row.features._columns


def test_two_skips_of_one_resolution():
    rows = make_rows(channels=(2, 3))
    x = [torch.rand(1, c, 4, 4) for c in (2, 3)]
    rows[1](x[1], x[1])
    assert rows[0](x[0], x[0]).shape == x[0].shape


def test_failed_implant_leaves_the_network_plain(basic):
    network = basic.network()
    keys = list(network.state_dict())

    def make(connections):
        inner = skip_module_factory("nested")(connections)
        return lambda c: Failure() if c.level == 1 else inner(c)

    with pytest.raises(ValueError, match=r"Failure at 'upcat_2' failed.*out of memory"):
        implant(network, make(find_skip_connections(network)))
    assert list(network.state_dict()) == keys
    implant_skip_module(network, "nested")(basic.image())
