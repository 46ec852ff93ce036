"""A genotype is checked whole, and its digest is of the cell alone."""

from __future__ import annotations

import pytest

from iac_components.search_space import (
    Genotype,
    GenotypeError,
    KeptEdge,
    NodeGenotype,
    SearchSpace,
    random_genotype,
)

GOOD = (
    NodeGenotype(0, 0, (KeptEdge("skip", "skip_connect"), KeptEdge("gate", "sep_conv_3x3"))),
    NodeGenotype(0, 1, (KeptEdge("skip", "max_pool_3x3"), KeptEdge("node_0", "skip_connect"))),
)


def replaced(position, *edges):
    nodes = list(GOOD)
    nodes[position] = NodeGenotype(0, position, tuple(KeptEdge(*edge) for edge in edges))
    return tuple(nodes)


def test_good_cell_is_taken(space):
    assert Genotype(space, GOOD).nodes == GOOD


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((GOOD[1],), r"nodes\[0\]\.edges\[1\]\.input 'node_0'.*be kept.*\['skip', 'gate'\]"),
        ((*GOOD, NodeGenotype(0, 2, GOOD[0].edges)), r"nodes must hold each"),
        ((*GOOD, NodeGenotype(1, 0, GOOD[0].edges)), r"nodes must hold each"),
        ((NodeGenotype(0, -1, GOOD[0].edges),), r"nodes must hold each"),
        ((*GOOD, GOOD[1]), r"nodes must hold each"),
        (GOOD[::-1], r"nodes must hold each"),
        (replaced(1), r"nodes\[1\]\.edges is empty"),
        (
            replaced(0, ("node_0", "skip_connect")),
            r"nodes\[0\]\.edges\[0\]\.input 'node_0'.*before",
        ),
        (
            replaced(0, ("node_1", "skip_connect")),
            r"nodes\[0\]\.edges\[0\]\.input 'node_1'.*before",
        ),
        (replaced(1, ("elsewhere", "skip_connect")), r"nodes\[1\]\.edges\[0\]\.input 'elsewhere'"),
        (
            replaced(1, ("skip", "skip_connect"), ("skip", "max_pool_3x3")),
            r"nodes\[1\]\.edges\[1\]\.input 'skip' is kept twice",
        ),
        (replaced(0, ("skip", "none")), r"nodes\[0\]\.edges\[0\]\.operation is 'none'"),
        (replaced(0, ("skip", "conv_9x9")), r"nodes\[0\]\.edges\[0\]\.operation 'conv_9x9'"),
        (replaced(0, ("skip", "avg_pool_3x3")), r"edges\[0\]\.operation .* not in search_space"),
    ],
)
def test_bad_cell_is_named(space, nodes, message):
    with pytest.raises(GenotypeError, match=message) as caught:
        Genotype(space, nodes)
    assert "\n" not in str(caught.value)


def test_claimed_size_costs_nothing(space):
    """A tiny file that claims 10**12 nodes must not fill the memory."""
    with pytest.raises(GenotypeError, match="nodes must hold"):
        Genotype(SearchSpace(2, num_nodes=10**6, levels=10**6), GOOD)


def test_digest_is_stable():
    """Written down: a change would orphan every genotype file there is."""
    space = SearchSpace(2, ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3"), 2)
    assert Genotype(space, GOOD).digest == (
        "sha256:8a5b97bc11b6f44b78773adc72f0486f89e8c4d2124d4689bb160e6abb21a852"
    )


def test_digest_ignores_provenance_alone(space):
    cell = Genotype(space, GOOD)
    assert cell.digest == Genotype(space, GOOD, {"seed": 3}).digest
    other = Genotype(space, replaced(0, ("skip", "skip_connect"), ("gate", "max_pool_3x3")))
    assert other.digest != cell.digest


def test_shared_genotype_serves_every_level(space):
    assert Genotype(space, GOOD).nodes_of(3) == GOOD


def test_separate_levels_are_told_apart():
    space = SearchSpace(2, num_nodes=2, levels=3)
    genotype = random_genotype(space, 0)
    assert [n.level for n in genotype.nodes_of(2)] == [2, 2]
    with pytest.raises(GenotypeError, match=r"levels is 3.*level 3"):
        genotype.nodes_of(3)


def lone(level, node, source="skip", operation="skip_connect"):
    return NodeGenotype(level, node, (KeptEdge(source, operation),))


@pytest.mark.parametrize("nodes", [(), GOOD[:1], (lone(0, 1),), (lone(0, 1, "gate"),)])
def test_nodes_may_lack(space, nodes):
    cell = Genotype(space, nodes)
    assert cell.nodes_of(0) == nodes
    assert not cell.is_whole
    assert cell.treatment(5) == ("cell" if nodes else "none")


def test_treatments_of_a_shared_cell(space):
    cell = Genotype(space, GOOD, no_cell=(1,), off=(0, 3))
    assert [cell.treatment(level) for level in range(5)] == ["off", "none", "cell", "off", "cell"]
    assert [len(cell.nodes_of(level)) for level in range(5)] == [0, 0, 2, 0, 2]
    assert len({cell.digest, Genotype(space, GOOD).digest, Genotype(space, GOOD[:1]).digest}) == 3


def test_treatments_of_separate_cells():
    separate = SearchSpace(2, num_nodes=2, levels=3)
    cell = Genotype(separate, (lone(0, 1),), off=(2,))
    assert [cell.treatment(level) for level in range(3)] == ["cell", "none", "off"]
    with pytest.raises(GenotypeError, match="another backbone"):
        cell.treatment(3)


SEPARATE = SearchSpace(2, num_nodes=2, levels=3)


@pytest.mark.parametrize(
    ("space", "options", "message"),
    [
        (SearchSpace(2), {"no_cell": (1, 1)}, "no_cell must hold levels from 0.*each once"),
        (SearchSpace(2), {"off": (2, 1)}, "off must hold levels.*in order, got"),
        (SearchSpace(2), {"off": (-1,)}, "off must hold levels"),
        (SearchSpace(2), {"off": (10**12,)}, "off must hold levels from 0 to 999"),
        (SEPARATE, {"off": (3,)}, "off must hold levels from 0 to 2"),
        (SEPARATE, {"off": (1,)}, "off holds level 1, for which there are nodes"),
        (SEPARATE, {"no_cell": (0,)}, "no_cell must be empty where levels have cells of their own"),
        (SearchSpace(2), {"no_cell": (1, 2), "off": (2,)}, "no_cell and off both hold level 2"),
        (SearchSpace(2), {"no_cell": (1,), "nodes": ()}, "no_cell must be empty where there is no"),
        (
            SearchSpace(2, sites=("bottleneck",)),
            {"off": (0,)},
            "off must be empty with search_space.sites",
        ),
    ],
)
def test_bad_treatment_is_named(space, options, message):
    level = space.levels - 1 if options.get("off") != (1,) else 1
    with pytest.raises(GenotypeError, match=message) as caught:
        Genotype(space, **{"nodes": (lone(level, 0),), **options})
    assert "\n" not in str(caught.value)


def test_sites_are_in_the_digest():
    sites = ("skips", "decoder")
    cells = [Genotype(SearchSpace(2, sites=s), (lone(0, 0),)) for s in (sites, sites[::-1])]
    assert cells[0] == cells[1]
    assert cells[0].digest == cells[1].digest
    assert cells[0].digest != Genotype(SearchSpace(2), (lone(0, 0),)).digest
