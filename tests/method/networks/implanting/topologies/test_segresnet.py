"""Sums inside a method: replaced on the instance, and only while the network is implanted."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from monai.networks.nets import SegResNet, SegResNetDS, SegResNetDS2, SegResNetVAE
from torch import nn

from iac_components.networks import find_skip_connections, implant, skip_fusions, skip_modules

both = pytest.mark.parametrize("case", ["segresnet_2d", "segresnet_ds_2d_deep"], indirect=True)
GROUPS = ("group", {"num_groups": 2})


def vae():
    torch.manual_seed(0)
    return SegResNetVAE(
        (16, 16), spatial_dims=2, init_filters=4, norm=GROUPS, blocks_down=(1, 1), blocks_up=(1,)
    )


@both
def test_look_leaves_the_plain_method(case, zero_skip):
    network = case.network()
    attributes, modules = set(vars(network)), dict(network.named_modules())
    find_skip_connections(network)
    with pytest.raises(ValueError, match="failed for input shape"):
        find_skip_connections(network, input_shape=(1, 1, 15, 15))
    assert set(vars(network)) == attributes
    assert dict(network.named_modules()) == modules
    assert len(set(vars(implant(network, zero_skip))) - attributes) == 1


@both
@torch.no_grad()
def test_copies_run_on_weights_of_their_own(case, active_skip):
    network, image = implant(case.network(), active_skip), case.image()
    expected = network(image)
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(twin(image), expected)
        for parameter in twin.parameters():
            parameter.zero_()
        assert torch.equal(network(image), expected)
        assert not twin(image).any()


@both
@torch.no_grad()
def test_level_put_back_is_plain_again(case, active_skip):
    network, image = implant(case.network(), active_skip), case.image()
    plain = case.network()(image)
    assert not torch.equal(network(image), plain)
    for fusion in skip_fusions(network):
        network.set_submodule(fusion.connection.name, fusion.block)
    assert torch.equal(network(image), plain)


@both
def test_size_that_the_plain_network_refuses_is_refused(case, zero_skip):
    for network in (case.network(), implant(case.network(), zero_skip)):
        with pytest.raises((ValueError, RuntimeError), match=r"divisible by|must match"):
            network(torch.zeros(1, 1, 15, 15))


@torch.no_grad()
def test_preprocessing_comes_first(zero_skip):
    torch.manual_seed(0)
    network = SegResNetDS(2, 4, 1, 2, blocks_down=(1, 1), preprocess=lambda x: 1 - x).eval()
    image = torch.rand(1, 1, 8, 8)
    expected = network(image)
    assert torch.equal(implant(network, zero_skip)(image), expected)
    assert not torch.equal(network(1 - image), expected)


class Probability(SegResNetDS):
    def forward(self, x):
        return super().forward(x).sigmoid()


def test_subclass_with_more_in_its_forward_is_taken(zero_skip):
    network, image = Probability(2, 4, 1, 2, blocks_down=(1, 1)).eval(), torch.rand(1, 1, 8, 8)
    expected = network(image)
    assert torch.equal(implant(network, zero_skip)(image), expected)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SegResNetDS2(2, 4, 1, 2), r"SegResNetDS2 hands every skip to two decoders"),
        (lambda: SegResNetDS(2, 4, 1, 2, blocks_down=(1,)), r"SegResNetDS has no decoder block"),
        (
            lambda: SegResNet(2, 8, blocks_down=(1,), blocks_up=()),
            r"SegResNet has no decoder block",
        ),
    ],
)
def test_two_decoders_and_no_skip_are_refused(build, message, zero_skip):
    network = build()
    attributes = set(vars(network))
    with pytest.raises(ValueError, match=message) as caught:
        implant(network, zero_skip)
    assert "\n" not in str(caught.value)
    assert set(vars(network)) == attributes


@pytest.mark.parametrize("training", [False, True])
@torch.no_grad()
def test_variational_branch_has_no_skip_and_stays(training, zero_skip):
    network, image = vae().train(training), torch.rand(2, 1, 16, 16)
    torch.manual_seed(1)
    before = network(image)
    implant(network, zero_skip)
    torch.manual_seed(1)
    after = network(image)
    assert torch.equal(before[0], after[0])
    assert torch.equal(before[1], after[1]) if training else before[1] is after[1] is None


def test_variational_network_trains_its_skip_modules(active_skip):
    network = implant(vae().train(), active_skip)
    segmentation, loss = network(torch.rand(2, 1, 16, 16))
    (segmentation.square().mean() + loss).backward()
    parameters = nn.ModuleList(skip_modules(network)).parameters()
    assert all(parameter.grad.count_nonzero() for parameter in parameters)


@pytest.mark.filterwarnings("ignore")
def test_variational_network_exports_but_cannot_be_traced_even_when_plain(zero_skip):
    image = torch.rand(1, 1, 16, 16)
    for network in (vae().eval(), implant(vae().eval(), zero_skip)):
        # Its second output in eval mode is None.
        with pytest.raises(RuntimeError, match="can be output from traced"):
            torch.jit.trace(network, image, check_trace=False)
        exported = torch.export.export(network, (image,)).module()
        torch.testing.assert_close(exported(image)[0], network(image)[0])
