"""Every registered operation, in both dimensions and at every awkward size."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from iac_components.search_space import (
    DEFAULT_OPERATIONS,
    build_operation,
    operations,
    register_operation,
    registered_operations,
)

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


@pytest.mark.parametrize(("name", "reach"), [("3x3", 1), ("5x5", 2)])
def test_average_pool_and_dilation_mean_what_they_say(name, reach):
    x = torch.ones(1, 4, 9, 9)
    pooled = build_operation("avg_pool_3x3", 4, spatial_dims=2)[0](x)
    assert torch.allclose(pooled, x)  # the padding is not counted
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


@pytest.fixture
def doubling(monkeypatch):
    monkeypatch.setitem(operations._REGISTRY, "double", operations._REGISTRY["none"])
    del operations._REGISTRY["double"]  # the patch forgets at the end whatever is registered

    class Double(nn.Module):
        def forward(self, x):
            return 2 * x

    @register_operation("double")
    def make(channels, spatial_dims, affine):
        return Double()

    return "double"


def test_a_user_s_operation_works_throughout(doubling, lone, tmp_path):
    from iac_components.search_space import (
        DiscreteCell,
        SearchSpace,
        load_genotype,
        random_genotype,
        save_genotype,
    )

    assert doubling in registered_operations()
    x = torch.randn(1, 4, 3, 3)
    assert torch.equal(build_operation(doubling, 4, spatial_dims=2)(x), 2 * x)
    space = SearchSpace(2, ("none", doubling), num_nodes=2)
    assert torch.isfinite(lone(space).open().run()).all()
    save_genotype(random_genotype(space, 0), tmp_path / "genotype.json")
    genotype = load_genotype(tmp_path / "genotype.json")
    assert DiscreteCell(4, 4, genotype=genotype)(x, x).shape == x.shape


def test_registry_was_cleaned_up():
    assert "double" not in registered_operations()
