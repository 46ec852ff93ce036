"""The memory model counts to the byte what autograd keeps."""

from __future__ import annotations

import pytest
import torch
from dints_searches import supernet

from iac_components.dints import (
    BudgetError,
    DintsSpace,
    MemoryBudget,
    MemoryModel,
    memory_budget,
    saved_bytes,
)
from iac_components.dints.memory_model import GIGABYTE

SPACES = [
    DintsSpace(3, 3, channel_mul=0.125),
    DintsSpace(3, 2, channel_mul=0.25, use_downsample=False),
    DintsSpace(3, 3, channel_mul=0.125, spatial_dims=2),
]


def shape(space: DintsSpace) -> tuple[int, ...]:
    return (2, 1, *[4 * space.size_multiple, 2 * space.size_multiple][: space.spatial_dims - 1],
            2 * space.size_multiple)  # fmt: skip


@pytest.mark.parametrize("space", SPACES, ids=str)
@pytest.mark.parametrize("fraction", [1.0, 0.7])
def test_an_architecture_keeps_what_the_model_says(space: DintsSpace, fraction: float) -> None:
    network = supernet(space, spread=2.0)
    memory = MemoryModel(network, input_shape=shape(space))
    architecture = network.decode(MemoryBudget(memory, fraction=fraction))
    discrete = network.inherited(architecture)
    image = torch.randn(shape(space))
    assert memory.of(architecture) == saved_bytes(discrete, lambda: discrete(image))
    assert memory.of(architecture) <= fraction * memory.largest


@pytest.mark.parametrize("gigabytes", [None, 1.5])
def test_gigabytes_go_before_the_fraction(gigabytes: float | None) -> None:
    batch, channels, *patch = shape(SPACES[0])
    sizes = {"batch_size": batch, "in_channels": channels, "patch_size": patch}
    budget = memory_budget(supernet(SPACES[0]), fraction=0.9, gigabytes=gigabytes, **sizes)
    assert budget.memory.input_shape == shape(SPACES[0])
    assert (budget.fraction, budget.gigabytes) == (
        (0.9, None) if gigabytes is None else (None, 1.5)
    )


def test_saved_bytes_counts_each_storage_once_and_no_parameter() -> None:
    layer = torch.nn.Linear(4, 4)
    image = torch.randn(8, 4, requires_grad=True)
    assert saved_bytes(layer, lambda: layer(image)) == image.nbytes
    assert saved_bytes(layer, lambda: layer(image) + layer(image)) == image.nbytes
    assert saved_bytes(layer, lambda: layer(image).relu()) == 2 * image.nbytes


def test_a_smaller_budget_never_needs_more() -> None:
    network = supernet(SPACES[0], spread=2.0)
    memory = MemoryModel(network, input_shape=shape(SPACES[0]))
    least = memory.smallest / memory.largest
    fractions = [least + step * (1 - least) / 6 for step in range(7)]
    needs = [
        memory.of(network.decode(MemoryBudget(memory, fraction=fraction))) for fraction in fractions
    ]
    assert needs == sorted(needs)
    assert needs[0] < needs[-1]


def test_gigabytes_and_fraction_are_one_budget() -> None:
    memory = MemoryModel(supernet(), input_shape=(2, 1, 8, 8, 8))
    by_fraction = MemoryBudget(memory, fraction=0.8)
    by_size = MemoryBudget(memory, gigabytes=by_fraction.bytes / GIGABYTE)
    assert by_size.bytes == pytest.approx(by_fraction.bytes)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, "either memory_fraction or memory_gigabytes"),
        ({"fraction": 0.5, "gigabytes": 1.0}, ValueError, "either memory_fraction"),
        ({"fraction": 0.0}, ValueError, "above zero"),
        ({"gigabytes": -1.0}, ValueError, "above zero"),
        ({"gigabytes": float("nan")}, ValueError, "above zero"),
        ({"fraction": 0.01}, BudgetError, "no architecture meets a budget of .* the least .* GB"),
        ({"gigabytes": 1e-9}, BudgetError, r"lower batch_size, patch_size or channel_mul"),
    ],
)
def test_bad_budgets(options: dict[str, float], error: type[ValueError], message: str) -> None:
    memory = MemoryModel(supernet(), input_shape=(2, 1, 8, 8, 8))
    with pytest.raises(error, match=message):
        MemoryBudget(memory, **options)


@pytest.mark.parametrize("patch", [(8, 8, 9), (4, 8, 8), (8, 8)])
def test_a_patch_that_the_depth_cannot_divide(patch: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"patch_size \[.*multiple of 4.*lower num_depths"):
        MemoryModel(supernet(), input_shape=(2, 1, *patch))


def test_the_network_is_left_alone() -> None:
    network = supernet()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    MemoryModel(network, input_shape=(2, 1, 8, 8, 8))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert {p.device.type for p in network.parameters()} == {"cpu"}
