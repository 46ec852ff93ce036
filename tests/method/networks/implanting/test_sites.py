"""Cells at the bottleneck and at the outputs of the decoder's blocks."""

from __future__ import annotations

import copy

import pytest
import torch
from monai.networks.layers.simplelayers import SkipConnection as EnclosingBlock
from monai.networks.nets import SegResNet, UNet
from torch import nn

from iac_components.networks import (
    CellSearchNetwork,
    ImplantedNetwork,
    build_network,
    find_skip_connections,
    implant,
    implant_genotype,
    load_weights,
    skip_fusions,
    skip_modules,
)
from iac_components.networks.encoder_memo import EncoderMemo
from iac_components.search_space import (
    SITES,
    DiscreteCell,
    Genotype,
    GenotypeError,
    SearchSpace,
    discretize,
    random_genotype,
    save_genotype,
)

OPERATIONS = ("none", "skip_connect", "sep_conv_3x3")
SOME = [("bottleneck",), ("decoder", "skips"), SITES]


def space_of(case, sites=SITES, **options):
    return SearchSpace(len(case.shape) - 2, OPERATIONS, num_nodes=2, sites=sites, **options)


def outputs(network, image):
    found = network(image)
    return found if isinstance(found, list) else [found]


def same(network, other, image):
    found = []
    for each in (network, other):
        torch.manual_seed(0)
        found.append(outputs(each, image))
    return all(torch.equal(*pair) for pair in zip(*found, strict=True))


@pytest.mark.parametrize("sites", SOME)
def test_levels_are_numbered_site_by_site(sited, sites):
    connections = find_skip_connections(sited.network(), sites=sites)
    count = len(sited.skips)
    expected = {"skips": count, "bottleneck": 1, "decoder": count}
    assert [c.site for c in connections] == [
        s for s in SITES if s in sites for _ in range(expected[s])
    ]
    assert [c.level for c in connections] == list(range(len(connections)))
    names = [name for name, *_ in sited.skips]
    for connection in connections:
        if connection.site == "bottleneck":
            assert connection.name == names[-1]
            assert connection.skip_channels == connection.gate_channels == sited.skips[-1][2]
    assert [c.name for c in connections if c.site == "decoder"] in ([], names)


@pytest.mark.parametrize("site", ["bottleneck", "decoder"])
@pytest.mark.parametrize("act", ["find", "implant", "search", "build"])
def test_site_that_a_network_lacks_is_named(site, act, request):
    network = request.getfixturevalue("attention").network()
    sites = ("skips", site)
    genotype = Genotype(SearchSpace(2, OPERATIONS, num_nodes=2, sites=sites), ())
    acts = {
        "find": lambda: find_skip_connections(network, sites=sites),
        "implant": lambda: implant(network, lambda _: nn.Identity(), sites=sites),
        "search": lambda: CellSearchNetwork(network, operations=OPERATIONS, sites=sites),
        "build": lambda: implant_genotype(network, genotype),
    }
    with pytest.raises(ValueError, match=f"AttentionUnet has no site '{site}'") as caught:
        acts[act]()
    assert "\n" not in str(caught.value)
    assert skip_modules(network) == []


@pytest.mark.parametrize("sites", [(), ("skip",), ("skips", "neck")])
def test_unknown_site_is_named(basic, sites):
    with pytest.raises(ValueError, match="sites must be some of skips, bottleneck, decoder"):
        find_skip_connections(basic.network(), sites=sites)


def test_closed_cells_change_nothing_and_plain_weights_load(sited_case):
    genotype = random_genotype(space_of(sited_case), 0)
    implanted = implant_genotype(sited_case.network(), genotype)
    assert len(skip_modules(implanted)) == 2 * len(sited_case.skips) + 1
    assert all(isinstance(module, DiscreteCell) for module in skip_modules(implanted))
    assert same(implanted, sited_case.network(), sited_case.image())
    other = implant_genotype(sited_case.network(seed=4), genotype)
    result = other.load_state_dict(sited_case.network().state_dict(), strict=False)
    assert not result.unexpected_keys
    assert same(other, implanted, sited_case.image())


def test_closed_cells_change_nothing_in_training(sited):
    genotype = random_genotype(space_of(sited), 0)
    implanted = implant_genotype(sited.network().train(), genotype)
    assert same(implanted, sited.network().train(), sited.image())


class Mix(nn.Module):
    """Something that depends on the level and on both inputs."""

    def __init__(self, level):
        super().__init__()
        self.level = level

    def forward(self, skip, gate):
        return skip * (0.5 + 0.1 * self.level) + gate.mean()


def hooked(network, connections):
    """The plain network with hooks that do by hand what its implant does at two sites."""
    for place in connections:
        block, mix = network.get_submodule(place.name), Mix(place.level)
        if place.site == "bottleneck":
            if isinstance(network, UNet):
                block.submodule.register_forward_hook(lambda m, i, out, mix=mix: mix(out, out))
            else:
                block.register_forward_pre_hook(lambda m, i, mix=mix: (mix(i[0], i[0]), *i[1:]))
        elif isinstance(network, UNet):
            assert isinstance(block, EnclosingBlock)
            block.register_forward_hook(
                lambda m, i, out, mix=mix: mix(out, out[:, i[0].shape[1] :])
            )
        elif "upsample" in place.name or isinstance(network, SegResNet):
            coarse = []
            # After the bottleneck's hook, so that it sees what the block is given.
            block.register_forward_hook(lambda m, i, out, c=coarse: c.append(i[0]) and None)
            path = place.name.replace(".upsample", ".blocks").replace("up_samples", "up_layers")
            network.get_submodule(path).register_forward_hook(
                lambda m, i, out, mix=mix, c=coarse: mix(out, c.pop())
            )
        else:
            block.register_forward_hook(lambda m, i, out, mix=mix: mix(out, i[0]))
    return network


@torch.no_grad()
def test_modules_see_and_change_what_they_should(sited):
    sites = ("bottleneck", "decoder")
    connections = find_skip_connections(sited.network(), sites=sites)
    network = implant(sited.network(), lambda place: Mix(place.level), sites=sites)
    image = sited.image()
    assert [module.level for module in skip_modules(network)] == list(range(len(connections)))
    expected = hooked(sited.network(), connections)
    assert torch.equal(network(image), expected(image))
    assert not torch.equal(network(image), sited.network()(image))


@torch.no_grad()
def opened(network):
    generator = torch.Generator().manual_seed(5)
    for cell in skip_modules(network):
        cell.scale.normal_(generator=generator)
    return network


@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_stays_frozen_and_everything_else_learns(sited, frozen):
    genotype = random_genotype(space_of(sited), 1)
    network = opened(
        ImplantedNetwork(implant_genotype(sited.network(), genotype), frozen_backbone=frozen)
    )
    network.train()
    inside = {m for cell in skip_modules(network) for m in cell.modules()}
    assert all(m.training == (m in inside or not frozen) for m in network.backbone.modules())
    image = sited.image()
    output = outputs(network, torch.cat([image, image.flip(0) ** 2]))
    sum((out * torch.randn_like(out)).sum() for out in output).backward()
    assert all(parameter.grad is not None for parameter in network.cell_parameters())
    got = {parameter.grad is not None for parameter in network.backbone_parameters()}
    assert got == {False} if frozen else True in got


@pytest.mark.parametrize("form", ["trace", "export"])
@torch.no_grad()
def test_deployed_forms_agree(sited_in_own_code, form):
    case = sited_in_own_code
    network = opened(implant_genotype(case.network(), random_genotype(space_of(case), 2)))
    image = case.image()
    if form == "trace":
        deployed = torch.jit.trace(network, image)
    else:
        deployed = torch.export.export(network, (image,)).module()
    assert torch.allclose(deployed(image), network(image), atol=1e-4)
    assert not torch.equal(network(image), case.network()(image))


@torch.no_grad()
def test_built_network_saves_and_loads(sited, tmp_path):
    """As the bundles do: genotype by path, plain weights, then weights of the whole."""
    separate = space_of(sited, levels=2 * len(sited.skips) + 1)
    nodes = tuple(n for n in random_genotype(separate, 3).nodes if n.level % 2)
    path, plain = tmp_path / "genotype.json", tmp_path / "plain.pt"
    save_genotype(Genotype(separate, nodes, off=(0,)), path)
    torch.save(sited.network(seed=1).state_dict(), plain)
    options = {"genotype_path": path, "backbone_ckpt": plain, "frozen_backbone": True}
    network = build_network(sited.network(), **options).eval()
    cells = [m for m in skip_modules(network) if isinstance(m, DiscreteCell)]
    assert len(cells) == len(sited.skips)
    for cell in cells:
        cell.scale.fill_(0.3)
    torch.save({"model": network.state_dict()}, tmp_path / "model.pt")
    other = build_network(sited.network(seed=2), genotype_path=path).eval()
    load_weights(other, tmp_path / "model.pt")
    image = sited.image()
    assert torch.equal(other(image), network(image))
    load_weights(other, plain, allow_missing_cells=True)
    assert torch.equal(other(image), network(image))
    with pytest.raises(ValueError, match="allow_missing_cells"):
        load_weights(other.backbone, plain)


@torch.no_grad()
@pytest.mark.parametrize("separate", [False, True])
def test_supernet_searches_prunes_and_restores_at_all_sites(sited, separate):
    def supernet(seed=0):
        return opened(
            CellSearchNetwork(
                sited.network(seed),
                operations=OPERATIONS,
                num_nodes=2,
                channel_divisor=1,
                separate_levels=separate,
                sites=("decoder", "skips", "bottleneck"),
            )
        ).eval()

    network, image, count = supernet(), sited.image(), len(sited.skips)
    assert network.space.sites == SITES
    assert network.space.levels == (2 * count + 1 if separate else 1)
    assert network.skips == count
    assert network.treatments.shape == (2 * count + 1,)
    network.remove_cells([count])
    network.switch_off([0])
    with pytest.raises(ValueError, match=f"levels must be from 0 to {count - 1}, got {count}"):
        network.switch_off([count])
    fresh = supernet(1)
    fresh.load_state_dict(network.state_dict())
    assert torch.equal(fresh(image), network(image))
    assert torch.equal(copy.deepcopy(network)(image), network(image))
    operations, edges = (weights.double().numpy() for weights in network.distributions())
    found = discretize(
        network.space, operations, edge_weights=edges, treatments=network.treatments.tolist()
    )
    built = implant_genotype(sited.network(), found)
    assert [isinstance(m, DiscreteCell) for m in skip_modules(built)] == [
        code == 0 for code in network.treatments.tolist()
    ]


@torch.no_grad()
def test_remembered_encoder_is_the_encoder_alone(sited):
    """A cell at the bottleneck changes between looks, and is not part of what is kept."""
    network = opened(
        CellSearchNetwork(
            sited.network(), operations=OPERATIONS, num_nodes=2, channel_divisor=1, sites=SITES
        )
    ).eval()
    memo, image = EncoderMemo(network), sited.image()
    memo.record("image", image)
    for cell in skip_modules(network):
        cell.scale.mul_(2)
    with memo.recalling("image"):
        found = network(image)
    assert torch.equal(found, network(image))


def test_skip_itself_may_have_no_cell(basic):
    network = implant(basic.network(), lambda place: Mix(place.level), sites=("decoder",))
    assert len(skip_modules(network)) == len(skip_fusions(network)) == 4
    assert {module.level for module in skip_modules(network)} == {0, 1, 2, 3}


def test_switching_off_what_is_no_skip_is_refused(basic):
    genotype = Genotype(space_of(basic), (), off=(4,))
    with pytest.raises(GenotypeError, match="off holds level 4, but the backbone has 4 skip"):
        implant_genotype(basic.network(), genotype)
    separate = random_genotype(space_of(basic, levels=4), 0)
    with pytest.raises(GenotypeError, match="levels is 4, but the backbone has 9 places"):
        implant_genotype(basic.network(), separate)
