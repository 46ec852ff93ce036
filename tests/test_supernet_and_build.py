"""The supernet, and the network that is built from a genotype, around a real backbone."""

from __future__ import annotations

import copy

import pytest
import torch
from monai.networks.nets import BasicUNet

from iac_components.networks import (
    CellSearchNetwork,
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
    SearchCell,
    SearchSpace,
    random_genotype,
    save_genotype,
)

OPERATIONS = ("none", "skip_connect", "sep_conv_3x3")


def backbone(seed=0, dims=2, features=(8,) * 6):
    torch.manual_seed(seed)
    return BasicUNet(dims, 1, 2, features).eval()


def image(dims=2, seed=1):
    size = {2: (32, 32), 3: (32, 16, 16)}[dims]
    return torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(seed))


def supernet(seed=0, dims=2, **options):
    return CellSearchNetwork(backbone(seed, dims), operations=OPERATIONS, num_nodes=2, **options)


@torch.no_grad()
def opened(network):
    """Let every cell through to the output."""
    torch.manual_seed(5)
    for cell in skip_modules(network):
        cell.scale.normal_()
    return network


@pytest.mark.parametrize("dims", [2, 3])
@torch.no_grad()
def test_fresh_supernet_is_its_backbone(dims):
    network, x = supernet(dims=dims).eval(), image(dims)
    assert torch.equal(network(x), backbone(dims=dims)(x))
    assert not torch.equal(opened(network)(x), backbone(dims=dims)(x))


@pytest.mark.parametrize("separate", [False, True])
def test_one_row_of_weights_a_genotype(separate):
    network = supernet(separate_levels=separate)
    levels = 4 if separate else 1
    assert network.space.levels == levels
    assert network.architecture.alphas.shape == (levels, 5, 3)
    assert network.architecture.betas.shape == (levels, 5)
    cells = skip_modules(network)
    assert [cell.level for cell in cells] == ([0, 1, 2, 3] if separate else [0] * 4)
    assert all(isinstance(cell, SearchCell) for cell in cells)


def some_dead(network):
    alive = torch.ones_like(network.architecture.alive)
    alive[0, 0, :2] = False
    alive[0, 2] = False
    alive[-1, 4, 2] = False
    return alive


@pytest.mark.parametrize("separate", [False, True])
@torch.no_grad()
def test_pruned_supernet_restores_into_a_fresh_one(tmp_path, separate):
    network = opened(supernet(separate_levels=separate)).eval()
    before = sum(p.numel() for p in network.parameters())
    full = network(image())
    network.prune(some_dead(network))
    assert sum(p.numel() for p in network.parameters()) < before
    expected = network(image())
    assert not torch.equal(expected, full)
    torch.save(network.state_dict(), tmp_path / "state.pt")
    fresh = supernet(seed=3, separate_levels=separate).eval()
    fresh.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(fresh(image()), expected)
    assert fresh.state_dict().keys() == network.state_dict().keys()
    assert torch.equal(fresh.architecture.alive, network.architecture.alive)
    assert {n for n, _ in fresh.named_parameters()} == {n for n, _ in network.named_parameters()}


@torch.no_grad()
def test_masked_equals_deleted_in_the_whole_network():
    network = opened(supernet()).eval()
    network.architecture.prune(some_dead(network))
    masked = network(image())
    network.prune(some_dead(network))
    # Not to the bit: fewer edges share a convolution, which then rounds otherwise.
    assert torch.allclose(network(image()), masked, atol=1e-5)


@torch.no_grad()
def test_pruning_everything_leaves_the_plain_network():
    network = opened(supernet()).eval()
    assert not torch.equal(network(image()), backbone()(image()))
    network.prune(torch.zeros_like(network.architecture.alive))
    assert torch.equal(network(image()), backbone()(image()))
    assert network.treatments.tolist() == [1, 1, 1, 1]
    assert list(network.weight_parameters()) == []


def test_rows_die_with_the_last_cell_that_uses_them():
    shared = supernet()
    shared.remove_cells([0, 1, 2])
    assert shared.alive.all()
    shared.switch_off([3])
    assert not shared.alive.any()
    separate = supernet(separate_levels=True)
    separate.remove_cells([1])
    assert separate.alive.any(dim=-1).any(dim=-1).tolist() == [True, False, True, True]
    alive = torch.ones_like(separate.alive)
    alive[2] = False
    separate.prune(alive)
    assert separate.treatments.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("method", ["remove_cells", "switch_off"])
@pytest.mark.parametrize("level", [-1, 4])
def test_levels_that_are_not_there_are_named(method, level):
    network = supernet()
    with pytest.raises(ValueError, match=f"levels must be from 0 to 3, got {level}"):
        getattr(network, method)([0, level])
    assert network.treatments.tolist() == [0] * 4


@torch.no_grad()
def test_state_from_before_there_were_treatments_loads():
    network = opened(supernet()).eval()
    state = dict(network.state_dict())
    del state["treatments"]
    fresh = supernet(seed=2).eval()
    fresh.load_state_dict(state)
    assert torch.equal(fresh(image()), network(image()))


def test_description_for_the_progress_bar():
    network = supernet()
    assert network.describe() == {"ops": "15/15", "decided": "0/5 edges"}
    network.prune(some_dead(network))
    assert network.describe() == {"ops": "9/15", "decided": "2/5 edges"}


@torch.no_grad()
def test_copy_is_whole_and_apart():
    network = opened(supernet()).eval()
    other = copy.deepcopy(network)
    expected = network(image())
    assert torch.equal(other(image()), expected)
    other.prune(some_dead(other))
    assert torch.equal(network(image()), expected)
    assert network.architecture.alive.all()
    fresh = copy.deepcopy(network)
    fresh.load_state_dict(other.state_dict())  # the hook prunes the copy, not the original
    assert torch.equal(fresh(image()), other(image()))
    assert network.architecture.alive.all()


def test_channels_that_do_not_divide_leave_the_backbone_alone():
    plain = backbone(features=(6,) * 6)
    keys = plain.state_dict().keys()
    with pytest.raises(ValueError, match="6 channels cannot be divided by K=4: choose a K"):
        CellSearchNetwork(plain, operations=OPERATIONS)
    assert plain.state_dict().keys() == keys
    CellSearchNetwork(plain, operations=OPERATIONS, channel_divisor=2)


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
