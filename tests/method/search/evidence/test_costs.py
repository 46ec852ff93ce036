"""Costs of operations and networks: what the networks themselves would count."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from monai.networks.nets import BasicUNet

from iac_components.networks import implant_genotype, measure_complexity, skip_modules
from iac_components.search import Costs
from iac_components.search_space import SearchSpace, random_genotype

SHAPE = (1, 1, 16, 16)


@pytest.fixture
def network(make_supernet):
    return make_supernet()


def genotype_of(network):
    return random_genotype(network.space, seed=1)


@pytest.mark.parametrize("sites", [("skips",), ("skips", "bottleneck", "decoder")])
def test_counts_are_those_of_the_networks_themselves(make_supernet, sites):
    network = make_supernet(sites=sites)
    backbone = BasicUNet(2, 1, 2, (8,) * 6, norm="batch")
    genotype = genotype_of(network)
    plain = measure_complexity(backbone, input_shape=SHAPE)
    cells = measure_complexity(implant_genotype(backbone, genotype), input_shape=SHAPE)
    costs = Costs(network, SHAPE[1:])
    counts = costs.network_costs(genotype, "multiply_adds")
    assert (2 * counts.plain, 2 * counts.cells) == (plain.flops, cells.flops)
    assert counts.ratio == cells.flops / plain.flops
    parameters = costs.parameters(genotype)
    assert (parameters.plain, parameters.cells) == (plain.parameters, cells.parameters)
    report = costs.report(genotype)
    assert set(report) == {"milliseconds", "multiply_adds", "parameters"}
    assert all(set(values) == {"plain", "cells"} for values in report.values())


def test_what_passes_something_on_as_it_is_costs_nothing(network):
    none, identity, separable = Costs(network, SHAPE[1:]).operations("multiply_adds")
    assert none == identity == 0 < separable


def test_what_does_anything_costs_an_operation_a_value(make_supernet):
    network = make_supernet(operations=("skip_connect", "avg_pool_3x3", "sep_conv_3x3"))
    costs = Costs(network, SHAPE[1:])
    identity, pooling, separable = costs.operations("multiply_adds")
    values = sum(int(np.prod(place.skip)) for place in costs.places)
    assert identity == 0
    assert pooling == values < separable


def test_times_are_medians_of_warm_passes(network, monkeypatch):
    ticks = iter(np.cumsum([[0.0, 5.0]] * 2 + [[0.0, 0.003]] * 4 + [[0.0, 9.0]] * 3))
    clock = type("Clock", (), {"perf_counter": staticmethod(lambda: next(ticks))})
    monkeypatch.setattr("iac_components.search.evidence.costs.time", clock)
    costs = Costs(network, SHAPE[1:])
    costs.places = costs.places[:1]
    costs.network = copy.copy(network)
    costs.network.space = SearchSpace(2, operations=("skip_connect",))
    assert costs.operations("milliseconds") == pytest.approx([3.0])


def test_measuring_leaves_network_and_draws_as_they_were(network):
    modules = skip_modules(network.backbone)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    costs = Costs(network, SHAPE[1:])
    costs.operations("milliseconds")
    costs.report(genotype_of(network))
    assert torch.equal(torch.rand(1), expected)
    assert all(a is b for a, b in zip(skip_modules(network.backbone), modules, strict=True))
    assert network.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_times_of_the_first_rank_count_on_all(network, monkeypatch):
    def first_rank(tensors):
        for tensor in tensors:
            tensor.fill_(7.0)

    monkeypatch.setattr("iac_components.search.evidence.costs.copy_from_first", first_rank)
    assert Costs(network, SHAPE[1:]).operations("milliseconds").tolist() == [7.0] * 3
