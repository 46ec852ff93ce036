"""Two disjoint sets of parameters, and a frozen backbone that stays as it is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from iac_components.networks import ImplantedNetwork, implant, skip_modules


def make(case, skip, *, frozen, training=True):
    return ImplantedNetwork(implant(case.network().train(training), skip), frozen_backbone=frozen)


def test_output_is_the_backbone_s(family, active_skip):
    network = make(family, active_skip, frozen=False, training=False)
    with torch.no_grad():
        assert torch.equal(network(family.image()), network.backbone(family.image()))


@pytest.mark.parametrize("frozen", [False, True])
def test_parameter_sets_are_disjoint_and_complete(family, active_skip, frozen):
    network = make(family, active_skip, frozen=frozen)
    cells, backbone = network.cell_parameters(), network.backbone_parameters()
    ids = [id(parameter) for parameter in cells + backbone]
    assert len(ids) == len(set(ids))
    assert set(ids) == {id(parameter) for parameter in network.parameters()}
    assert len(cells) == 5 * len(family.skips)
    assert {p.requires_grad for p in cells} == {True}
    assert {p.requires_grad for p in backbone} == {not frozen}


@pytest.mark.parametrize("training", [True, False])
def test_mode_of_construction_is_kept(resnet, active_skip, training):
    network = make(resnet, active_skip, frozen=True, training=training)
    assert network.training == training
    assert all(m.training == training for m in skip_modules(network.backbone))


@pytest.mark.parametrize("mode", [True, False])
def test_frozen_backbone_stays_in_eval_mode(resnet, active_skip, mode):
    network = make(resnet, active_skip, frozen=True)
    assert network.train(mode) is network
    inside = {m for cell in skip_modules(network) for m in cell.modules()}
    for name, module in network.named_modules():
        assert module.training == (mode and (module in inside or not name)), name


def test_joint_training_sets_every_mode(resnet, active_skip):
    network = make(resnet, active_skip, frozen=False, training=False).train()
    assert all(module.training for module in network.modules())


@pytest.mark.parametrize("frozen", [True, False])
def test_training_steps_move_what_they_should(resnet, active_skip, frozen):
    network, image = make(resnet, active_skip, frozen=frozen), resnet.image()
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    for _ in range(2):
        network.train()
        optimizer.zero_grad()
        network(image).square().mean().backward()
        optimizer.step()
    after = network.state_dict()
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    cells = {key for key in before if ".skip_module." in key}
    assert cells <= moved
    assert (moved == cells) == frozen
    assert any("running_mean" in key for key in moved) != frozen


@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_encoder_builds_no_graph(family, active_skip, frozen):
    network, seen = make(family, active_skip, frozen=frozen), []
    for module in skip_modules(network):
        module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    output = network(family.image())
    outputs = output if isinstance(output, list) else [output]  # SegResNetDS in training
    assert all(output.requires_grad for output in outputs)
    assert [skip.requires_grad for skip, _ in seen] == [not frozen] * len(family.skips)
    assert [gate.requires_grad for _, gate in seen] == [not frozen] + [True] * (len(seen) - 1)


def test_shared_parameters_are_counted_once(basic):
    shared = nn.Parameter(torch.zeros(()))

    class Shift(nn.Module):
        def __init__(self):
            super().__init__()
            self.shift = shared

        def forward(self, skip, gate):
            return skip + self.shift

    network = ImplantedNetwork(implant(basic.network(), lambda connection: Shift()))
    assert len(network.cell_parameters()) == 1


def test_plain_backbone_is_refused(basic):
    with pytest.raises(ValueError, match=r"BasicUNet holds no skip modules\. Call implant"):
        ImplantedNetwork(basic.network())
