"""DynUNet in nnU-Net's shape."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets import DynUNet

from iac_components.networks import (
    build_planned_unet,
    deep_supervision_weights,
    plan_nnunet,
    plan_slices,
)

SIZES = {"base_features": 4, "max_features": 16}


@pytest.mark.parametrize(("pixdim", "spacing"), [([1.0, 2.0, -1], [1, 2]), ([-1, -1, 3.0], [1, 1])])
def test_a_slice_is_planned_by_the_voxels_in_its_plane(pixdim, spacing):
    plan = plan_slices([64, 64], pixdim=pixdim, **SIZES)
    assert plan == plan_nnunet([64, 64], spacing=spacing, **SIZES)


@pytest.mark.parametrize("supervised", [True, False])
def test_the_network_is_that_of_the_plan(supervised):
    plan = plan_slices([32, 32], pixdim=[1, 1, 1], **SIZES)
    network = build_planned_unet(plan, in_channels=2, out_channels=3, deep_supervision=supervised)
    plain = DynUNet(
        2, 2, 3, plan.kernel_size, plan.strides, plan.upsample_kernel_size, plan.filters,
        norm_name=("INSTANCE", {"affine": True}),
        act_name=("leakyrelu", {"inplace": True, "negative_slope": 0.01}),
        deep_supervision=supervised, deep_supr_num=plan.deep_supr_num,
    )  # fmt: skip
    assert repr(network) == repr(plain)
    outputs = network.train()(torch.zeros(1, 2, 32, 32))
    expected = (1, 1 + plan.deep_supr_num, 3, 32, 32) if supervised else (1, 3, 32, 32)
    assert outputs.shape == expected
    assert len(deep_supervision_weights(plan)) == 1 + plan.deep_supr_num
    assert sum(deep_supervision_weights(plan)) == pytest.approx(1)


def test_other_layers():
    plan = plan_slices([32, 32], pixdim=[1, 1, 1], **SIZES)
    network = build_planned_unet(plan, in_channels=1, out_channels=2, norm_name="batch")
    assert any(isinstance(part, torch.nn.BatchNorm2d) for part in network.modules())
