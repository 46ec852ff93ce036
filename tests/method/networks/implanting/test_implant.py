"""Replacing blocks: all names of a block, untouched on failure, one-line errors."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from torch import nn

from iac_components.networks import (
    SkipFusion,
    find_skip_connections,
    implant,
    register_fusion_block,
    skip_fusions,
    skip_modules,
)
from iac_components.networks.implanting import fusion


class Lost(nn.Module):
    """A skip module that loses a row."""

    def forward(self, skip, gate):
        return skip[:, :, 1:]


class Keep(nn.Module):
    def forward(self, skip, gate):
        return skip


class Broken(nn.Module):
    def forward(self, skip, gate):
        raise RuntimeError("no such operation")


class Fuse(nn.Module):
    def forward(self, coarse, skip):
        return skip + coarse.mean(dim=(2, 3), keepdim=True)


class HomeMade(nn.Module):
    """A user's network: one block used at two places of the same resolution."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 2, 3, padding=1)
        self.first, self.second, self.unused = Fuse(), Fuse(), Fuse()

    def forward(self, x):
        feature = self.stem(x)
        return self.second(self.first(feature, feature), feature)


@pytest.fixture
def known_fuse(monkeypatch):
    monkeypatch.setattr(fusion, "_BLOCK_TYPES", list(fusion._BLOCK_TYPES))
    return register_fusion_block(Fuse)


def test_returns_the_network_itself(basic, zero_skip):
    network = basic.network()
    assert implant(network, zero_skip) is network


def test_block_under_two_names_gets_one_wrapper(dynunet, zero_skip):
    network = implant(dynunet.network(), zero_skip)
    places = [m for _, m in network.named_modules(remove_duplicate=False)]
    assert sum(isinstance(module, SkipFusion) for module in places) == 6
    assert len(skip_modules(network)) == 3
    assert network.skip_layers.upsample is network.upsamples[2]


def test_skip_modules_are_ordered_by_level(dynunet, zero_skip):
    network = dynunet.network()
    connections = find_skip_connections(network)
    implant(network, zero_skip)
    assert [f.connection for f in skip_fusions(network)] == connections
    assert [m.conv.out_channels for m in skip_modules(network)] == [4, 6, 8]


def test_block_without_a_skip_stays_plain(resnet, zero_skip):
    network = implant(resnet.network(), zero_skip)
    wrapped = [isinstance(block, SkipFusion) for block in network.decoder.blocks]
    assert wrapped == [True] * 4 + [False]


def test_deep_supervision_in_training_keeps_its_shape(deep_dynunet, zero_skip):
    network = implant(deep_dynunet.network().train(), zero_skip)
    assert network(deep_dynunet.image()).shape == (1, 3, 2, *deep_dynunet.shape[2:])


@pytest.mark.parametrize("training", [False, True])
def test_new_modules_take_the_mode_of_their_block(basic, zero_skip, training):
    network = implant(basic.network().train(training), zero_skip)
    assert {module.training for module in network.modules()} == {training}


def test_new_modules_take_the_type_of_the_network(basic, zero_skip):
    network = implant(basic.network().double(), zero_skip)
    assert {p.dtype for p in network.parameters()} == {torch.float64}


def test_implanted_network_can_be_copied(dynunet, active_skip):
    network, image = implant(dynunet.network(), active_skip), dynunet.image()
    twin = copy.deepcopy(network)
    twin.load_state_dict(network.state_dict())
    with torch.no_grad():
        assert torch.equal(network(image), twin(image))
    assert not {id(p) for p in network.parameters()} & {id(p) for p in twin.parameters()}


def test_random_state_is_drawn_on_by_the_skip_modules_alone(basic):
    network = basic.network()
    before = torch.get_rng_state()
    implant(network, lambda connection: Keep())
    assert torch.equal(torch.get_rng_state(), before)


def test_registered_block_is_found_and_later_is_finer(known_fuse):
    connections = find_skip_connections(HomeMade())
    assert [(c.name, c.level) for c in connections] == [("second", 0), ("first", 1)]
    assert connections[0].skip_channels == connections[0].gate_channels == 2


@pytest.mark.parametrize("network", [nn.Sequential(nn.Conv2d(1, 1, 1)), HomeMade(), nn.ReLU()])
def test_no_known_block_lists_the_known(network, zero_skip):
    with pytest.raises(ValueError, match=r"known: UpCat, UnetUpBlock, UnetrUpBlock.*register"):
        implant(network, zero_skip)


def test_second_implant_is_refused(basic, zero_skip):
    network = implant(basic.network(), zero_skip)
    for again in (partial(implant, make_skip_module=zero_skip), find_skip_connections):
        with pytest.raises(ValueError, match=r"BasicUNet is implanted already.*'upcat_1'"):
            again(network)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Lost, r"Lost at 'upcat_4' turns .*\(1, 8, 4, 4\) into \(1, 8, 3, 4\)"),
        (Broken, r"Broken at 'upcat_4' failed on skip \(1, 8, 4, 4\) and gate .*: no such op"),
    ],
)
def test_wrong_skip_module_leaves_the_network_plain(basic, module, message):
    network = basic.network()
    keys = list(network.state_dict())
    with pytest.raises(ValueError, match=message):
        implant(network, lambda connection: module())
    assert list(network.state_dict()) == keys
    assert not skip_modules(network)


def test_modules_are_made_fine_first_and_tried_in_the_decoder_s_order(family):
    made, tried = [], []

    class Recorder(nn.Module):
        def __init__(self, connection):
            super().__init__()
            self.level = connection.level
            made.append(self.level)

        def forward(self, skip, gate):
            tried.append(self.level)
            return skip

    network, levels = implant(family.network(), Recorder), list(range(len(family.skips)))
    assert made == levels
    assert tried == levels[::-1]
    with torch.no_grad():
        network(family.image())
    assert tried == levels[::-1] * 2
