"""The network that is built from a genotype or another skip module, around a real backbone."""

from __future__ import annotations

import copy

import pytest
import torch
from small_networks import OPERATIONS, backbone, image, opened

from iac_components.networks import (
    ImplantedNetwork,
    build_network,
    load_weights,
    registered_skip_modules,
    skip_modules,
)
from iac_components.networks.skip_modules import AttentionGate, NestedSkip, ResidualPath
from iac_components.search_space import (
    DiscreteCell,
    GenotypeError,
    SearchSpace,
    random_genotype,
    save_genotype,
)


def genotype_file(folder, seed=0, operations=OPERATIONS, **options):
    path = folder / "genotype.json"
    space = SearchSpace(**{"spatial_dims": 2, "operations": operations, "num_nodes": 2, **options})
    save_genotype(random_genotype(space, seed), path)
    return path


@pytest.mark.parametrize("genotype", [None, "no_such_file.json"])
def test_plain_gives_the_backbone_itself(genotype):
    plain = backbone()
    assert build_network(plain, skip_module="plain", genotype_path=genotype) is plain
    assert skip_modules(plain) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "'iac' needs the genotype.*--genotype_path.*--skip_module plain"),
        ({"skip_module": "iac"}, "'iac' needs the genotype"),
        (
            {"skip_module": "gated"},
            "'gated' is unknown. Known: iac, plain, attention, nested, residual_path",
        ),
        ({"skip_module": "plain", "frozen_backbone": True}, "frozen_backbone leaves nothing"),
    ],
)
def test_wrong_choice_is_named_before_anything_is_done(options, message, tmp_path):
    plain = backbone()
    keys = list(plain.state_dict())
    with pytest.raises(ValueError, match=message) as caught:
        build_network(plain, backbone_ckpt=tmp_path / "missing.pt", **options)
    assert "\n" not in str(caught.value)
    assert list(plain.state_dict()) == keys


@pytest.mark.parametrize(("dims", "frozen"), [(2, True), (3, False)])
@pytest.mark.parametrize(
    ("name", "module"),
    [("attention", AttentionGate), ("residual_path", ResidualPath), ("nested", NestedSkip)],
)
def test_network_of_another_skip_module(name, module, frozen, dims):
    network = build_network(
        backbone(dims=dims), skip_module=name, genotype_path="unread", frozen_backbone=frozen
    )
    assert isinstance(network, ImplantedNetwork)
    assert [type(m) for m in skip_modules(network)] == [module] * 4
    assert {p.requires_grad for p in network.backbone_parameters()} == {not frozen}
    assert all(p.requires_grad for p in network.cell_parameters())
    assert network(image(dims)).shape == backbone(dims=dims)(image(dims)).shape


def test_comparison_differs_in_the_skips_alone(tmp_path):
    path = genotype_file(tmp_path)
    names = ("iac", *registered_skip_modules())
    networks = [build_network(backbone(), skip_module=n, genotype_path=path) for n in names]
    reference = backbone().state_dict()
    for network in networks:
        state = network.backbone.state_dict()
        rest = [state[key] for key in state if ".skip_module." not in key]
        assert all(torch.equal(a, b) for a, b in zip(rest, reference.values(), strict=True))


@pytest.mark.parametrize("name", ["attention", "residual_path", "nested"])
@torch.no_grad()
def test_saved_comparison_loads_again(tmp_path, name):
    one, other = (build_network(backbone(seed), skip_module=name).eval() for seed in (1, 2))
    torch.save({"model": one.state_dict()}, tmp_path / "model.pt")
    load_weights(other, tmp_path / "model.pt")
    assert torch.equal(one(image()), other(image()))
    with pytest.raises(ValueError, match="checkpoint of another network"):
        load_weights(
            build_network(backbone(), genotype_path=genotype_file(tmp_path)),
            tmp_path / "model.pt",
            allow_missing_cells=True,
        )


@pytest.mark.parametrize("divisor", [1, 4])
@pytest.mark.parametrize("levels", [1, 4])
@torch.no_grad()
def test_implanted_network(tmp_path, levels, divisor):
    path = genotype_file(tmp_path, levels=levels)
    network = build_network(backbone(), genotype_path=path, channel_divisor=divisor)
    assert isinstance(network, ImplantedNetwork)
    cells = skip_modules(network)
    assert len(cells) == 4
    assert all(isinstance(cell, DiscreteCell) for cell in cells)
    assert {cell.channel_divisor for cell in cells} == {divisor}
    assert (len({cell.wiring for cell in cells}) > 1) <= (levels == 4)
    assert torch.equal(network.eval()(image()), backbone()(image()))


@pytest.mark.parametrize("frozen", [False, True])
@torch.no_grad()
def test_trained_backbone_is_loaded(tmp_path, frozen):
    trained = backbone(seed=7)
    torch.save({"model": trained.state_dict()}, tmp_path / "model.pt")
    plain = build_network(backbone(), skip_module="plain", backbone_ckpt=tmp_path / "model.pt")
    assert torch.equal(plain(image()), trained(image()))
    network = build_network(
        backbone(),
        genotype_path=genotype_file(tmp_path),
        backbone_ckpt=tmp_path / "model.pt",
        frozen_backbone=frozen,
    )
    assert torch.equal(network.eval()(image()), trained(image()))
    assert {p.requires_grad for p in network.backbone_parameters()} == {not frozen}
    assert all(p.requires_grad for p in network.cell_parameters())


def test_checkpoint_of_another_backbone_is_named(tmp_path):
    torch.save({"model": backbone(features=(4,) * 6).state_dict()}, tmp_path / "model.pt")
    with pytest.raises(ValueError, match=r"model\.pt: checkpoint of another network"):
        build_network(backbone(), skip_module="plain", backbone_ckpt=tmp_path / "model.pt")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spatial_dims": 3}, r"search_space\.spatial_dims is 3, but the backbone has 2"),
        ({"levels": 3}, r"search_space\.levels is 3, but the backbone has 4 skip"),
        ({"operations": ("none", "conv_9x9")}, r"\['conv_9x9'\].*unknown.*sep_conv_3x3"),
    ],
)
def test_genotype_that_does_not_fit_is_named_with_its_file(tmp_path, options, message):
    path, plain = genotype_file(tmp_path, **options), backbone()
    with pytest.raises(GenotypeError, match=message) as caught:
        build_network(plain, genotype_path=path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert skip_modules(plain) == []


@torch.no_grad()
def test_built_network_saves_loads_and_copies(tmp_path):
    path = genotype_file(tmp_path)
    network = opened(build_network(backbone(), genotype_path=path)).eval()
    torch.save({"model": network.state_dict()}, tmp_path / "model.pt")
    other = build_network(backbone(seed=2), genotype_path=path).eval()
    load_weights(other, tmp_path / "model.pt")
    assert torch.equal(other(image()), network(image()))
    assert torch.equal(copy.deepcopy(network)(image()), network(image()))


@pytest.mark.parametrize("form", ["trace", "export"])
@torch.no_grad()
def test_deployed_forms_agree_with_the_network(tmp_path, form):
    path = genotype_file(
        tmp_path, 3, ("none", "avg_pool_3x3", "dil_conv_3x3", "max_pool_3x3"), num_nodes=3
    )
    network = opened(build_network(backbone(), genotype_path=path)).eval()
    assert not torch.equal(network(image()), backbone()(image()))
    if form == "trace":
        deployed = torch.jit.trace(network, image(seed=2))
    else:
        deployed = torch.export.export(network, (image(seed=2),)).module()
    assert torch.allclose(deployed(image()), network(image()), atol=1e-4)
