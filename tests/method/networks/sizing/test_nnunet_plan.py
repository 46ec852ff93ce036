"""The plans are those of nnU-Net's rules."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from itertools import pairwise

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from monai.networks.nets import DynUNet

from iac_components.networks import plan_nnunet

ALL = (2, 2, 2)
PLANE = (1, 2, 2)
FIRST = (2, 1, 1)

SQUARES = {
    (48, 64): 3,  # the 8 left along one axis, alone, are not halved
    (40, 56): 3,
    (96, 96): 4,
    (160, 160): 5,
    (192, 192): 5,
    (224, 256): 5,
    (256, 256): 6,
    (320, 320): 6,
    (448, 448): 6,
    (512, 512): 7,
}

VOLUMES = [
    # Plans that nnU-Net made, as published with models trained on them.
    ((112, 128, 160), (1, 1, 1), [ALL] * 4 + [PLANE], []),
    ((256, 80, 80), (3, 3, 3), [ALL] * 4 + [FIRST], []),
    ((192, 96, 96), (1.5, 0.977, 0.977), [ALL] * 4 + [FIRST], []),
    ((36, 48, 40), (1, 1, 1), [ALL] * 3, []),
    # Its anisotropic examples: an axis gets its kernel of 3 when the others have caught up.
    ((96, 512, 512), (2.5, 0.8, 0.8), [PLANE] + [ALL] * 4 + [PLANE] * 2, [(1, 3, 3)]),
    ((48, 448, 448), (3, 0.7, 0.7), [PLANE] * 2 + [ALL] * 3 + [PLANE], [(1, 3, 3)] * 2),
    # By hand; at the bottom the first axis is by far the finest, and the kernels stay at 3.
    ((20, 256, 256), (5, 1, 1), [PLANE] * 2 + [ALL] * 2 + [PLANE] * 2, [(1, 3, 3)] * 2),
]


def network(plan, dims):
    return DynUNet(
        dims,
        1,
        2,
        kernel_size=plan.kernel_size,
        strides=plan.strides,
        upsample_kernel_size=plan.upsample_kernel_size,
        filters=plan.filters,
        deep_supervision=True,
        deep_supr_num=plan.deep_supr_num,
    )


@pytest.mark.parametrize(("patch", "depth"), SQUARES.items())
def test_known_patches_in_2d(patch, depth):
    plan = plan_nnunet(patch)
    assert plan.strides == ((1, 1),) + ((2, 2),) * depth
    assert plan.kernel_size == ((3, 3),) * (depth + 1)
    assert plan.upsample_kernel_size == ((2, 2),) * depth
    assert plan.filters == (32, 64, 128, 256, 512, 512, 512, 512)[: depth + 1]
    assert plan.divisor == (2**depth, 2**depth)


@pytest.mark.parametrize(("patch", "spacing", "poolings", "narrow"), VOLUMES)
def test_known_patches_in_3d(patch, spacing, poolings, narrow):
    # nnU-Net pads a patch to the multiple; it is 40 for the 36 of its hippocampus.
    patch = tuple(-(-size // 8) * 8 if size == 36 else size for size in patch)
    plan = plan_nnunet(patch, spacing=spacing)
    assert plan.strides == ((1, 1, 1), *poolings)
    assert plan.kernel_size == (*narrow, *[(3, 3, 3)] * (len(poolings) + 1 - len(narrow)))
    assert plan.filters == (32, 64, 128, 256, 320, 320, 320, 320)[: len(poolings) + 1]


def test_anisotropic_pixels_in_2d():
    plan = plan_nnunet((32, 128), spacing=(4.0, 1.0))
    assert plan.strides == ((1, 1), (1, 2), (1, 2), (2, 2), (2, 2), (2, 2))
    assert plan.kernel_size == ((1, 3), (1, 3), (3, 3), (3, 3), (3, 3), (3, 3))
    assert plan.divisor == (8, 32)


@pytest.mark.parametrize(("ratio", "halved"), [(1.99, (2, 2)), (2.0, (1, 2))])
def test_twice_as_coarse_waits(ratio, halved):
    plan = plan_nnunet((64, 64), spacing=(ratio, 1.0))
    assert plan.strides[1] == halved
    assert plan.kernel_size[0] == tuple(3 if step == 2 else 1 for step in halved)


@pytest.mark.parametrize(
    ("patch", "weights"),
    [((16, 16), (2, 1)), ((48, 48), (2, 1)), ((96, 96), (4, 2, 1)), ((256, 256), (16, 8, 4, 2, 1))],
)
def test_loss_leaves_out_the_coarsest_output(patch, weights):
    """Of as many decoder outputs as poolings; a DynUNet has at least one besides the finest."""
    plan = plan_nnunet(patch)
    assert plan.deep_supr_num == len(weights) - 1 == max(1, len(plan.strides) - 3)
    assert plan.deep_supervision_weights == pytest.approx([w / sum(weights) for w in weights])


@pytest.mark.parametrize("dims", [2, 3])
def test_channels_are_capped(dims):
    assert plan_nnunet((64,) * dims, base_features=8, max_features=20).filters == (
        8,
        16,
        20,
        20,
        20,
    )
    assert max(plan_nnunet((128,) * dims, base_features=100).filters) == {2: 512, 3: 320}[dims]


def test_a_plan_is_a_value():
    assert plan_nnunet((96, 96)) == plan_nnunet([96, 96], spacing=[0.5, 0.5])
    assert hash(plan_nnunet((96, 96)))
    with pytest.raises(FrozenInstanceError):
        plan_nnunet((96, 96)).filters = ()


@pytest.mark.parametrize(
    ("patch", "spacing"), [((16, 16), None), ((48, 64), None), ((16, 32, 32), (5, 1, 1))]
)
def test_network_of_a_plan_runs(patch, spacing):
    plan = plan_nnunet(patch, spacing=spacing, base_features=2, max_features=4)
    image = torch.rand(1, 1, *patch)
    planned = network(plan, len(patch))
    heads = plan.deep_supr_num + 1
    assert planned(image).shape == (1, heads, 2, *patch)
    assert planned.eval()(image).shape == (1, 2, *patch)


@pytest.mark.parametrize(
    ("patch", "options", "message"),
    [
        ((64,), {}, r"\[64\].*2 or 3 axes"),
        ((64,) * 4, {}, "2 or 3 axes"),
        ((64, 64), {"spacing": (1, 1, 1)}, r"spacing \[1.0, 1.0, 1.0\] must have"),
        ((64, 64), {"spacing": (1, 0)}, "spacing must be positive"),
        ((64, 64), {"spacing": (1, -1)}, "spacing must be positive"),
        ((64, 64), {"spacing": (1, math.nan)}, "spacing must be positive and finite"),
        ((64, 64), {"spacing": (1, math.inf)}, "spacing must be positive and finite"),
        ((64, 64), {"base_features": 0}, "base_features 0 must be 1 to max_features 512"),
        ((64, 64, 64), {"base_features": 400}, "400 must be 1 to max_features 320"),
        ((64, 64), {"max_features": 16}, "base_features 32 must be 1 to max_features 16"),
        ((8, 8), {}, r"\[8, 8\] can be halved 1 time.*needs 2\. 24 voxels"),
        ((4, 16), {}, "can be halved 1 time"),
        ((0, -3), {}, "can be halved 0 time"),
        ((100, 96), {}, r"\[100, 96\] must be a multiple of \[16, 16\]"),
        ((18, 16), {}, r"must be a multiple of \[4, 4\]"),
    ],
)
def test_wrong_arguments_are_named(patch, options, message):
    with pytest.raises(ValueError, match=message) as caught:
        plan_nnunet(patch, **options)
    assert "\n" not in str(caught.value)


lengths = st.builds(lambda m, k: m * 2**k, st.integers(4, 7), st.integers(0, 6))
axes = st.lists(st.tuples(lengths, st.floats(0.2, 12)), min_size=2, max_size=3)


@given(axes)
def test_rules_hold_for_any_patch(axes):
    patch, spacing = zip(*axes, strict=True)
    finest = spacing.index(min(spacing))
    if patch[finest] < 24:  # what the error message promises to be enough
        assume(patch[finest] * 2**3 >= 24)
        patch = tuple(n * 8 if i == finest else n for i, n in enumerate(patch))
    plan = plan_nnunet(patch, spacing=spacing, base_features=3, max_features=11)
    assert len(plan.strides) == len(plan.kernel_size) == len(plan.filters) >= 3
    assert all(size % step == 0 for size, step in zip(patch, plan.divisor, strict=True))
    assert all(n // step >= 4 for n, step in zip(patch, plan.divisor, strict=True))
    assert all(max(stride) == 2 for stride in plan.strides[1:])
    assert plan.kernel_size[-1] == (3,) * len(patch)
    for before, after in pairwise(plan.kernel_size):
        assert all(a >= b for b, a in zip(before, after, strict=True))
    voxel, size = list(spacing), list(patch)
    for stride, kernel in zip(plan.strides[1:], plan.kernel_size, strict=False):
        halved = [length for length, step in zip(voxel, stride, strict=True) if step == 2]
        assert max(halved) < 2 * min(halved)
        assert kernel[voxel.index(min(voxel))] == 3
        voxel = [length * step for length, step in zip(voxel, stride, strict=True)]
        size = [length // step for length, step in zip(size, stride, strict=True)]
    able = [i for i, length in enumerate(size) if length >= 8]
    last = [i for i in able if voxel[i] < 2 * min(voxel[j] for j in able)]
    assert not last or (len(last) == 1 and size[last[0]] < 12)
    weights = plan.deep_supervision_weights
    assert len(weights) == plan.deep_supr_num + 1
    assert sum(weights) == pytest.approx(1)
    assert all(b == pytest.approx(a / 2) for a, b in pairwise(weights))
