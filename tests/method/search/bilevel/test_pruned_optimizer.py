"""Optimizers forget the dead parameters, and nothing else."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from iac_components.search import PrunedOptimizerState, forget_parameters


def stepped(kind=torch.optim.AdamW):
    """Five parameters in two groups, with state."""
    torch.manual_seed(0)
    parameters = [nn.Parameter(torch.randn(3)) for _ in range(5)]
    groups = [{"params": parameters[:2], "lr": 0.1}, {"params": parameters[2:], "lr": 0.01}]
    optimizer = kind(groups, lr=0.5)
    for _ in range(2):
        for parameter in parameters:
            parameter.grad = torch.randn(3)
        optimizer.step()
    return parameters, optimizer


def test_exactly_the_dead_are_forgotten():
    parameters, optimizer = stepped()
    before = {id(p): {k: v.clone() for k, v in s.items()} for p, s in optimizer.state.items()}
    living = [parameters[i] for i in (0, 2, 4)]
    forget_parameters(optimizer, iter(living))
    groups = [[id(p) for p in group["params"]] for group in optimizer.param_groups]
    assert groups == [[id(parameters[0])], [id(parameters[2]), id(parameters[4])]]
    assert {id(p) for p in optimizer.state} == {id(p) for p in living}
    for parameter in living:
        for key, value in optimizer.state[parameter].items():
            assert torch.equal(value, before[id(parameter)][key])
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.01]


def test_survivors_step_as_if_nothing_had_been():
    alone, one = stepped()
    pruned, other = stepped()
    forget_parameters(other, [pruned[0], pruned[3]])
    for parameters, optimizer in ((alone, one), (pruned, other)):
        for parameter in parameters:
            parameter.grad = torch.ones(3)
        optimizer.step()
    for index in (0, 3):
        assert torch.equal(alone[index], pruned[index])


def test_parameters_without_state():
    parameters, optimizer = stepped(torch.optim.SGD)
    optimizer.state.clear()
    forget_parameters(optimizer, parameters[:1])
    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 0]


def test_state_fits_a_fresh_optimizer_once_its_supernet_is_restored(make_supernet):
    network = make_supernet()
    optimizer = torch.optim.AdamW(network.weight_parameters(), lr=0.1)
    for parameter in network.weight_parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    alive = torch.ones_like(network.architecture.alive)
    alive[0, :3, 2] = False
    network.prune(alive)
    forget_parameters(optimizer, network.weight_parameters())
    saved = PrunedOptimizerState(optimizer, network).state_dict()

    fresh = make_supernet()
    other = torch.optim.AdamW(fresh.weight_parameters(), lr=0.1)
    state = PrunedOptimizerState(other, fresh)
    with pytest.raises(ValueError, match="parameter group"):
        state.load_state_dict(saved)
    fresh.load_state_dict(network.state_dict())
    state.load_state_dict(saved)
    held = [p for group in other.param_groups for p in group["params"]]
    assert [id(p) for p in held] == [id(p) for p in fresh.weight_parameters()]
    for mine, theirs in zip(held, network.weight_parameters(), strict=True):
        assert torch.equal(other.state[mine]["exp_avg"], optimizer.state[theirs]["exp_avg"])
