"""Properties of every candidate in every network."""

from __future__ import annotations

import contextlib

import pytest
import torch
from adapters import moved_adapter

from iac_components.adaptation import apply_adapter, registered_candidates
from iac_components.adaptation.adapter.applying import attach_parts
from iac_components.adaptation.adapter.base_network import count_parameters, private_copy
from iac_components.adaptation.candidates import (
    NotApplicableError,
    PlanOptions,
    find_candidate,
    in_order,
)
from iac_components.adaptation.fitting.fit import group_norms_mended

ALL = registered_candidates()
TRAINED = [kind for kind in ALL if not find_candidate(kind).estimates]


def plan(base, network, kind, budget=10**9):
    return find_candidate(kind).plan(network, PlanOptions(budget, input_shape=base.shape))


def plan_or_skip(base, network, kind, budget=10**9):
    try:
        return plan(base, network, kind, budget)
    except NotApplicableError as reason:
        if kind != "norm_statistics":
            raise
        pytest.skip(str(reason))


def test_the_registry_holds_what_is_promised():
    assert set(ALL) >= {"norm_statistics", "norms", "lora", "cells", "gates"}
    baselines = {kind for kind in ALL if find_candidate(kind).baseline}
    assert baselines == {"decoder", "everything"}


@pytest.mark.parametrize("kind", ALL)
@torch.no_grad()
def test_the_base_network_stays_as_it_is_to_the_bit(base, kind):
    network, image = base.network(), base.image()
    before = network(image)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    flags = [parameter.requires_grad for parameter in network.parameters()]
    plan_or_skip(base, network, kind)
    adapter = moved_adapter(network, kind, shape=base.shape)
    adapted = apply_adapter(network, adapter)
    changed = adapted(image)
    assert not torch.allclose(changed, before, atol=1e-4)
    assert torch.equal(network(image), before)
    after = network.state_dict()
    assert list(after) == list(state)
    assert all(torch.equal(after[name], value) for name, value in state.items())
    assert [parameter.requires_grad for parameter in network.parameters()] == flags
    assert apply_adapter(network, "none") is network


@pytest.mark.parametrize("kind", TRAINED)
@torch.no_grad()
def test_a_fresh_part_changes_nothing_that_counts(base, kind):
    network, image = base.network(), base.image()
    copy = private_copy(network)
    attach_parts(copy, [plan(base, network, kind)])
    assert torch.allclose(copy(image), network(image), atol=1e-5)


@pytest.mark.parametrize("kind", TRAINED)
def test_every_value_of_a_part_can_be_trained_and_nothing_else(base, kind):
    network = base.network()
    made = plan(base, network, kind)
    copy = private_copy(network).eval()
    (attachment,) = attach_parts(copy, [made])
    assert sum(value.numel() for value in attachment.tensors.values()) == made.parameters
    trained = set(map(id, attachment.parameters()))
    assert trained == {id(p) for p in copy.parameters() if p.requires_grad}
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in attachment.parameters():  # away from where one factor is zero
            parameter.add_(0.05 * torch.randn_like(parameter))
    with group_norms_mended(copy):
        copy(base.image()).square().sum().backward()
    # Not all: what a norm of each image takes away has no effect.
    assert any(bool(p.grad.count_nonzero()) for p in attachment.parameters() if p.grad is not None)
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("kind", ["norms", "lora", "cells", "gates"])
def test_the_budget_is_kept(base, kind):
    network = base.network()
    budget = count_parameters(network) // 20
    made = None
    with contextlib.suppress(NotApplicableError):
        made = plan(base, network, kind, budget)
    assert made is None or 0 < made.parameters <= budget
    # What is left out has its reason: a place alone is more than all of the budget.
    assert made is not None or plan(base, network, kind).parameters > budget
    with pytest.raises(NotApplicableError, match="budget"):
        plan(base, network, kind, 1)


def test_networks_without_batch_norm_have_no_statistics(basic):
    with pytest.raises(NotApplicableError, match="no batch norm"):
        plan(basic, basic.network(), "norm_statistics")


@torch.no_grad()
def test_low_rank_changes_are_folded_into_the_weights(basic):
    network, image = basic.network(), basic.image()
    adapter = moved_adapter(network, "lora")
    open_copy = private_copy(network).eval()
    (attachment,) = attach_parts(open_copy, adapter.parts)
    for name, value in attachment.tensors.items():
        value.copy_(adapter.tensors[f"0.{name}"])
    unfolded = open_copy(image)
    attachment.finish()
    assert set(open_copy.state_dict()) == set(network.state_dict())
    assert torch.allclose(open_copy(image), unfolded, atol=1e-5, rtol=1e-4)


def test_what_wraps_modules_comes_last():
    assert set(in_order(["cells", "gates", "lora", "norms"])[-2:]) == {"gates", "cells"}


def test_the_decoder_is_what_comes_after_the_coarsest_skip(basic):
    names = plan(basic, basic.network(), "decoder").sites
    assert {name.partition(".")[0] for name in names} == {
        *("upcat_1", "upcat_2", "upcat_3", "upcat_4", "final_conv")
    }


def test_an_unknown_kind_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match=r"candidate 'norm' is unknown.*norms"):
        in_order(["norm"])
