"""Every registered operation, in both dimensions and at every awkward size."""

from __future__ import annotations

import itertools
import warnings

import pytest
import torch
from torch import nn

from iac_components.search_space import (
    DEFAULT_OPERATIONS,
    DiscreteCell,
    SearchSpace,
    build_operation,
    load_genotype,
    random_genotype,
    register_operation,
    registered_operations,
    save_genotype,
)
from iac_components.search_space.cells import operations

SIZES = {2: [(8, 6), (7, 5), (1, 1), (1, 4)], 3: [(4, 6, 2), (3, 5, 7), (1, 1, 1), (2, 1, 3)]}
FORMATS = {2: torch.channels_last, 3: torch.channels_last_3d}


def test_the_pc_darts_set_is_registered():
    assert set(DEFAULT_OPERATIONS) <= set(registered_operations())


@pytest.mark.parametrize("last", [False, True], ids=["contiguous", "channels_last"])
@pytest.mark.parametrize(
    ("spatial_dims", "size"), [(dims, size) for dims in SIZES for size in SIZES[dims]]
)
@pytest.mark.parametrize("name", registered_operations())
def test_keeps_shape_and_stays_finite(name, spatial_dims, size, last):
    torch.manual_seed(0)
    operation = build_operation(name, 4, spatial_dims=spatial_dims, affine=True)
    x = torch.randn(2, 4, *size)
    if last:
        x = x.to(memory_format=FORMATS[spatial_dims])
        operation = operation.to(memory_format=FORMATS[spatial_dims])
    x.requires_grad_()
    out = operation(x)
    assert out.shape == x.shape
    assert torch.isfinite(out).all()
    if name == "none":
        assert not out.any()
        return
    (out * torch.randn_like(out)).sum().backward()
    gradients = [x.grad, *(parameter.grad for parameter in operation.parameters())]
    assert all(g is not None and torch.isfinite(g).all() for g in gradients)


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 8, 30, 64])
@pytest.mark.parametrize("name", registered_operations())
def test_any_number_of_channels(name, channels):
    x = torch.randn(1, channels, 4, 4)
    assert build_operation(name, channels, spatial_dims=2)(x).shape == x.shape


@pytest.mark.parametrize("name", registered_operations())
def test_training_and_evaluation_agree(name):
    """No running statistics: an architecture step could move them."""
    operation = build_operation(name, 4, spatial_dims=2)
    x = torch.randn(2, 4, 5, 5)
    assert torch.equal(operation.train()(x), operation.eval()(x))
    assert list(operation.buffers()) == []


@pytest.mark.parametrize("name", registered_operations())
def test_affine_is_asked_for(name):
    plain, affine = (build_operation(name, 4, spatial_dims=2, affine=a) for a in (False, True))
    norms = [m for m in affine.modules() if isinstance(m, nn.GroupNorm)]
    assert len(list(affine.parameters())) == len(list(plain.parameters())) + 2 * len(norms)


@pytest.mark.parametrize("size", [(5, 4), (3, 2), (1, 1), (1, 7), (4, 3, 5), (2, 2, 2), (9, 1, 2)])
def test_average_pool_is_the_mean_of_what_lies_inside(size):
    """Against every neighbour summed by hand: the padding is not counted, at any size."""
    pool = build_operation("avg_pool_3x3", 2, spatial_dims=len(size))[0]
    x = torch.randn(2, 2, *size, dtype=torch.float64)
    total, count = torch.zeros_like(x), torch.zeros_like(x)
    for place in itertools.product(*map(range, size)):
        near = (slice(None), slice(None), *(slice(max(i - 1, 0), i + 2) for i in place))
        total[(..., *place)] = x[near].flatten(2).sum(-1)
        count[(..., *place)] = x[near].flatten(2).shape[-1]
    assert torch.allclose(pool(x), total / count)


@pytest.mark.parametrize(
    ("size", "others"), [((4, 5), ((1, 7), (2, 2))), ((3, 4, 3), ((1, 2, 9),))]
)
def test_a_traced_average_pool_knows_other_sizes(size, others):
    """A trace alone would keep the branch of its own size; nothing is warned of."""
    pool = build_operation("avg_pool_3x3", 2, spatial_dims=len(size))[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error", torch.jit.TracerWarning)
        traced = torch.jit.trace(pool, torch.rand(1, 2, *size))
    for other in (size, *others):
        x = torch.rand(2, 2, *other)
        assert torch.equal(traced(x), pool(x))


@pytest.mark.parametrize(("name", "reach"), [("3x3", 1), ("5x5", 2)])
def test_dilation(name, reach):
    dilated = build_operation(f"dil_conv_{name}", 4, spatial_dims=2)[1]
    assert dilated.dilation == (2, 2)
    assert dilated.padding == (2 * reach, 2 * reach)


def test_unknown_operation_lists_the_known():
    with pytest.raises(ValueError, match=r"'conv_9x9' is unknown.*sep_conv_3x3.*register"):
        build_operation("conv_9x9", 4, spatial_dims=2)


def test_name_is_taken_once():
    before = operations._REGISTRY["none"]
    with pytest.raises(ValueError, match="'none' is registered already"):
        register_operation("none")(lambda channels, spatial_dims, affine: nn.Identity())
    assert operations._REGISTRY["none"] is before


@pytest.mark.parametrize("name", ["", "conv_1.5x", "double", "train", "keys", "training"])
def test_name_that_cannot_be_a_module_s(name):
    with pytest.raises(ValueError, match=rf"operation '{name}' cannot be registered"):
        register_operation(name)


class Double(nn.Module):
    def forward(self, x):
        return 2 * x


@pytest.fixture
def doubling():
    register_operation("doubling")(lambda channels, spatial_dims, affine: Double())
    yield "doubling"
    del operations._REGISTRY["doubling"]


def test_a_user_s_operation_works_throughout(doubling, lone, tmp_path):
    assert doubling in registered_operations()
    x = torch.randn(1, 4, 3, 3)
    assert torch.equal(build_operation(doubling, 4, spatial_dims=2)(x), 2 * x)
    space = SearchSpace(2, ("none", doubling), num_nodes=2)
    assert torch.isfinite(lone(space).open().run()).all()
    save_genotype(random_genotype(space, 0), tmp_path / "genotype.json")
    genotype = load_genotype(tmp_path / "genotype.json")
    assert DiscreteCell(4, 4, genotype=genotype)(x, x).shape == x.shape


def test_registry_was_cleaned_up():
    assert "doubling" not in registered_operations()
