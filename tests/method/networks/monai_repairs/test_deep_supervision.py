"""Stacked outputs reach the loss as a list, a single output as it is."""

from __future__ import annotations

import pytest
import torch
from monai.losses import DeepSupervisionLoss, DiceCELoss
from monai.networks.nets import DynUNet, SegResNetDS

from iac_components.networks import StackedSupervisionLoss, plan_nnunet

WEIGHTS = [4 / 7, 2 / 7, 1 / 7]
SIZES = {2: (8, 6), 3: (4, 6, 8)}


def inner():
    return DiceCELoss(to_onehot_y=True, softmax=True)


def stacked(weights=WEIGHTS):
    return StackedSupervisionLoss(DeepSupervisionLoss(inner(), weights=list(weights)))


def example(dims, heads=3):
    size = SIZES[dims]
    generator = torch.Generator().manual_seed(1)
    prediction = torch.randn(2, heads, 3, *size, generator=generator, requires_grad=True)
    return prediction, torch.randint(0, 3, (2, 1, *size), generator=generator)


@pytest.mark.parametrize("dims", [2, 3])
def test_weighted_sum_of_the_outputs(dims):
    prediction, target = example(dims)
    expected = sum(w * inner()(prediction[:, i], target) for i, w in enumerate(WEIGHTS))
    torch.testing.assert_close(stacked()(prediction, target), expected)


@pytest.mark.parametrize("dims", [2, 3])
def test_single_output_is_the_loss_itself(dims):
    prediction, target = example(dims)
    torch.testing.assert_close(
        stacked()(prediction[:, 0], target), inner()(prediction[:, 0], target)
    )


def test_gradients_are_weighted_too():
    prediction, target = example(2)
    stacked()(prediction, target).backward()
    for index, weight in enumerate(WEIGHTS):
        alone = prediction.detach()[:, index].requires_grad_()
        inner()(alone, target).backward()
        torch.testing.assert_close(prediction.grad[:, index], weight * alone.grad)


@pytest.mark.parametrize("training", [True, False])
def test_network_of_a_plan_trains_in_either_mode(training):
    plan = plan_nnunet((32, 32), base_features=2, max_features=4)
    torch.manual_seed(0)
    network = DynUNet(
        2,
        1,
        3,
        kernel_size=plan.kernel_size,
        strides=plan.strides,
        upsample_kernel_size=plan.upsample_kernel_size,
        filters=plan.filters,
        deep_supervision=True,
        deep_supr_num=plan.deep_supr_num,
    ).train(training)
    loss = stacked(plan.deep_supervision_weights)
    value = loss(network(torch.rand(2, 1, 32, 32)), torch.randint(0, 3, (2, 1, 32, 32)))
    value.backward()
    assert value.ndim == 0
    assert value.isfinite()
    reached = [p.grad is not None for name, p in network.named_parameters() if "heads" in name]
    assert reached == [training] * len(reached)
    assert reached


@pytest.mark.parametrize("training", [True, False])
def test_list_of_a_segresnet_reaches_the_loss_as_it_is(training):
    torch.manual_seed(0)
    network = SegResNetDS(2, 4, 1, 3, blocks_down=(1, 1, 1), dsdepth=2).train(training)
    target = torch.randint(0, 3, (2, 1, 8, 8)).float()  # MONAI resizes it
    output = network(torch.rand(2, 1, 8, 8))
    assert isinstance(output, list) == training
    expected = DeepSupervisionLoss(inner(), weights=WEIGHTS)(output, target)
    torch.testing.assert_close(stacked()(output, target), expected)
