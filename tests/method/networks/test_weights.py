"""Weights load whole or not at all, and every bad file has its one line."""

from __future__ import annotations

import re
import zipfile

import pytest
import torch
from torch import nn

from iac_components.networks import (
    ImplantedNetwork,
    build_planned_unet,
    implant,
    load_state,
    load_weights,
    plan_slices,
)


class Foreign:
    pass


def write(path, content):
    torch.save(content, path)
    return path


def cut(path, state):
    write(path, state)
    path.write_bytes(path.read_bytes()[:-100])


def cut_legacy(path, state):
    torch.save(state, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-10])


def other_archive(path, state):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "hello")


BAD_FILES = {
    "empty": (lambda path, state: path.touch(), "is empty"),
    "truncated": (cut, "cut off"),
    "truncated_legacy": (cut_legacy, "not a checkpoint|cut off"),
    "text": (lambda path, state: path.write_text("hello\n" * 50), "not a checkpoint"),
    "archive": (other_archive, "another kind"),
    "objects": (lambda path, state: write(path, {"model": state, "x": Foreign()}), "refused"),
    "list": (lambda path, state: write(path, [1, 2]), "holds no tensors"),
    "numbers": (lambda path, state: write(path, {"epoch": 3}), "holds no tensors"),
    "mixed": (lambda path, state: write(path, {**state, "epoch": 3}), "no tensors: epoch"),
    "empty_state": (lambda path, state: write(path, {"model": {}}), "holds no tensors"),
    "directory": (lambda path, state: path.mkdir(), "is a directory"),
    "missing": (lambda path, state: None, "no such"),
}


@pytest.fixture
def state():
    return nn.Conv2d(1, 2, 3).state_dict()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "modèle.pt"


@pytest.mark.parametrize(
    "wrap", [dict, lambda s: {"model": s}, lambda s: {"state_dict": s, "n": 1}]
)
def test_state_is_read_from_its_wrappings(path, state, wrap):
    loaded = load_state(str(write(path, wrap(state))))
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[key], state[key]) for key in state)


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_has_one_line(path, state, name):
    make, message = BAD_FILES[name]
    make(path, state)
    with pytest.raises((ValueError, OSError), match=message) as caught:
        load_state(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrapped", [False, True])
def test_plain_backbone_loads_into_an_implanted_one(family, zero_skip, path, wrapped):
    trained = family.network(seed=1)
    write(path, trained.state_dict())
    network = implant(family.network(seed=2), zero_skip)
    network = ImplantedNetwork(network) if wrapped else network
    load_weights(network, path, allow_missing_cells=True)
    with torch.no_grad():
        assert torch.equal(network(family.image()), trained(family.image()))


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("allow", [False, True])
def test_implanted_network_round_trips(dynunet, active_skip, path, wrapped, allow):
    one, other = (implant(dynunet.network(seed), active_skip) for seed in (1, 2))
    if wrapped:
        one, other = ImplantedNetwork(one), ImplantedNetwork(other)
    write(path, {"model": one.state_dict()})
    load_weights(other, path, allow_missing_cells=allow)
    with torch.no_grad():
        assert torch.equal(one(dynunet.image()), other(dynunet.image()))


def drop(key):
    return lambda state: {k: v for k, v in state.items() if key not in k}


def double_shape(state):
    return {
        k: torch.cat([v, v]) if k == "backbone.final_conv.bias" else v for k, v in state.items()
    }


MISMATCHES = {
    "missing": (drop("final_conv.bias"), r"\(missing: backbone\.final_conv\.bias\)"),
    "unexpected": (lambda s: {**s, "x": torch.ones(1)}, r"\(unexpected: x\)"),
    "shape": (double_shape, r"shape: backbone\.final_conv\.bias \(4,\) instead of \(2,\)"),
    "many": (drop("conv_0"), r"missing: [^,]*, [^,]*, [^,]* and \d+ more\)"),
    "some_cells": (drop("upcat_1.skip_module"), r"missing: [^,]*upcat_1\.skip_module"),
}


@pytest.mark.parametrize("allow", [False, True])
@pytest.mark.parametrize("name", MISMATCHES)
def test_mismatch_leaves_the_network_untouched(basic, active_skip, path, name, allow):
    change, message = MISMATCHES[name]
    trained, network = (ImplantedNetwork(implant(basic.network(s), active_skip)) for s in (1, 2))
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    write(path, change(trained.state_dict()))
    with pytest.raises(ValueError, match="checkpoint of another network") as caught:
        load_weights(network, path, allow_missing_cells=allow)
    assert re.search(message, str(caught.value))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert all(torch.equal(before[key], v) for key, v in network.state_dict().items())


def test_missing_cells_are_refused_unless_allowed(basic, zero_skip, path):
    write(path, basic.network(seed=1).state_dict())
    with pytest.raises(ValueError, match=r"skip_module.*pass allow_missing_cells=True"):
        load_weights(implant(basic.network(seed=2), zero_skip), path)


def test_cells_do_not_fit_a_plain_network(basic, zero_skip, path):
    write(path, implant(basic.network(), zero_skip).state_dict())
    with pytest.raises(ValueError, match=r"unexpected: .*upcat_"):
        load_weights(basic.network(), path, allow_missing_cells=True)


def planned(*, deep_supervision):
    plan = plan_slices(
        patch_size=[32, 32], pixdim=[1.0, 1.0, -1.0], base_features=4, max_features=16
    )
    torch.manual_seed(0)
    network = build_planned_unet(
        plan, in_channels=1, out_channels=2, deep_supervision=deep_supervision
    )
    return network.eval()


def test_heads_of_deep_supervision_are_left_out_where_the_network_has_none(tmp_path):
    trained, deployed = planned(deep_supervision=True), planned(deep_supervision=False)
    path = write(tmp_path / "model.pt", trained.state_dict())
    assert trained.state_dict().keys() > deployed.state_dict().keys()
    torch.nn.init.zeros_(next(deployed.parameters()))
    load_weights(deployed, path)
    image = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(deployed(image), trained(image))


def test_heads_of_deep_supervision_keep_their_values_where_the_checkpoint_has_none(tmp_path):
    deployed, trained = planned(deep_supervision=False), planned(deep_supervision=True)
    path = write(tmp_path / "model.pt", deployed.state_dict())
    for parameter in trained.parameters():
        torch.nn.init.ones_(parameter)
    load_weights(trained, path)
    image = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(trained(image), deployed(image))
    heads = [value for name, value in trained.state_dict().items() if "head" in name]
    assert heads
    assert all((value == 1).all() for value in heads)
