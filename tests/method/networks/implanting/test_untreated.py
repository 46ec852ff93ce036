"""Levels without a cell: the plain network, or zeros."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from iac_components.networks import build_network, implant, implant_genotype, skip_modules
from iac_components.networks.implanting.untreated import UnchangedSkip, ZeroSkip, treated_skip
from iac_components.search_space import (
    DiscreteCell,
    Genotype,
    GenotypeError,
    SearchSpace,
    random_genotype,
    save_genotype,
)

OPERATIONS = ("none", "skip_connect", "sep_conv_3x3")


def space_of(case, **options):
    return SearchSpace(len(case.shape) - 2, OPERATIONS, num_nodes=2, **options)


def outputs(network, image):
    found = network(image)
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("training", [False, True])
def test_no_cell_anywhere_is_the_plain_network(case, training):
    network, image = case.network().train(training), case.image()
    torch.manual_seed(1)
    before = outputs(network, image)
    network = case.network().train(training)
    implanted = implant_genotype(network, Genotype(space_of(case), ()))
    torch.manual_seed(1)
    after = outputs(implanted, image)
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    assert len(list(implanted.parameters())) == len(list(case.network().parameters()))
    plain = implant_genotype(case.network(seed=3), Genotype(space_of(case), ()))
    plain.load_state_dict(case.network().state_dict())


class Nothing(nn.Module):
    def forward(self, skip, gate):
        return skip * 0


@torch.no_grad()
def test_switched_off_skip_gives_zeros(case):
    network, last = case.network(), len(case.skips) - 1
    implant(network, lambda place: Nothing() if place.level == last else UnchangedSkip())
    found = implant_genotype(case.network(), Genotype(space_of(case), (), off=(last,)))
    image = case.image()
    assert torch.equal(found(image), network(image))
    assert not torch.equal(found(image), case.network()(image))


@pytest.mark.parametrize("separate", [False, True])
def test_each_level_is_treated_as_the_genotype_says(other_kind, separate):
    count = len(other_kind.skips)
    whole = random_genotype(space_of(other_kind, levels=count if separate else 1), 0)
    if not separate:
        genotype = replace(whole, no_cell=tuple(range(1, count)))
    else:
        genotype = replace(whole, nodes=whole.nodes_of(0))
    kinds = [type(m) for m in skip_modules(implant_genotype(other_kind.network(), genotype))]
    assert kinds == [DiscreteCell] + [UnchangedSkip] * (count - 1)


@pytest.mark.parametrize("name", ["no_cell", "off"])
def test_level_that_the_backbone_lacks_is_named(basic, name):
    genotype = replace(random_genotype(space_of(basic), 0), **{name: (len(basic.skips),)})
    with pytest.raises(GenotypeError, match=f"{name} holds level {len(basic.skips)}, but"):
        implant_genotype(basic.network(), genotype)


def test_frozen_backbone_without_a_cell_leaves_nothing_to_train(other_kind, tmp_path):
    path = tmp_path / "genotype.json"
    save_genotype(Genotype(space_of(other_kind), ()), path)
    with pytest.raises(ValueError, match=r"nothing to train with genotype .*genotype\.json"):
        build_network(other_kind.network(), genotype_path=path, frozen_backbone=True)
    assert build_network(other_kind.network(), genotype_path=path).cell_parameters() == []


def test_a_cell_is_not_made_here():
    assert isinstance(treated_skip("off"), ZeroSkip)
    with pytest.raises(ValueError, match="needs that cell"):
        treated_skip("cell")
