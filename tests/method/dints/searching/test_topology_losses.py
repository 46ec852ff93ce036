"""Losses by patient of a topology supernet: masked equals pruned, and nothing is left changed."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from dints_searches import SPACE, Volumes, loss_function, supernet

from iac_components.dints import DintsSearchNetwork
from iac_components.dints.searching.remaining_topology import RemainingTopology
from iac_components.dints.searching.topology_losses import TopologyLosses
from iac_components.search.evidence.judged_images import judged_images
from iac_components.search.evidence.parts import Part

PATH = Part("path", 1, 2)
OPERATION = Part("operation", 2, 0, 3)
INTO_THE_DEEP = tuple(
    Part("path", 0, row) for row, (_, target) in enumerate(SPACE.paths) if target == 1
)
OUT_OF_THE_DEEP = tuple(
    Part("path", 1, row) for row, (source, _) in enumerate(SPACE.paths) if source == 1
)
PRUNED = (Part("path", 1, 1), Part("operation", 0, 0, 1), Part("operation", 2, 0, 0))


def losses_of(network: DintsSearchNetwork) -> TopologyLosses:
    items = [{**item, "patient": f"p{i // 2}"} for i, item in enumerate(Volumes(6, 1))]
    chosen = judged_images(items, images_a_patient=2, batch_size=4)
    return TopologyLosses(network, chosen, loss_function)


def pruned(network: DintsSearchNetwork, parts: tuple[Part, ...]) -> DintsSearchNetwork:
    result = copy.deepcopy(network)
    left = RemainingTopology(network.space, network.living()).without(parts)
    result.prune(torch.from_numpy(left.alive))
    return result


@pytest.mark.parametrize("before", [(), PRUNED], ids=["whole", "pruned"])
@pytest.mark.parametrize(
    "parts",
    [(PATH,), (OPERATION,), (PATH, OPERATION), INTO_THE_DEEP, OUT_OF_THE_DEEP],
    ids=["path", "operation", "both", "dead_ends", "dead_ends_in_an_earlier_block"],
)
def test_left_out_is_as_pruned(before: tuple[Part, ...], parts: tuple[Part, ...]) -> None:
    network = pruned(supernet(spread=1.0), before)
    found = losses_of(network).without([(), parts])
    assert found.shape == (2, 3)
    (expected,) = losses_of(pruned(network, parts)).without([()])
    np.testing.assert_allclose(found[1], expected, rtol=1e-5)
    assert np.abs(found[1] - found[0]).max() > 1e-6


def test_a_look_changes_nothing() -> None:
    network = supernet(spread=1.0).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    image = torch.rand(1, 1, 8, 8, 8)
    expected = network(image)
    losses = losses_of(network)
    first = losses.measure([PATH, OPERATION])
    again = losses.measure([PATH, OPERATION])
    assert all(map(np.array_equal, first, again))
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert torch.equal(network(image), expected)


def test_a_failing_loss_changes_nothing_either() -> None:
    network = supernet(spread=1.0)
    losses = losses_of(network)
    losses.loss_function = lambda prediction, label: (_ for _ in ()).throw(RuntimeError("loss"))
    with pytest.raises(RuntimeError, match="loss"):
        losses.without([(PATH,)])
    assert network.alive.all()
    assert network.training
    assert len(network.topology.living) == network.alive.numel()


def test_blocks_before_the_part_are_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    network = supernet()
    runs = dict.fromkeys(range(SPACE.num_blocks), 0)
    for block in runs:
        cell = network.topology.cell_tree[f"({block}, 0)"].preprocess

        def count(*_: object, block: int = block) -> None:
            runs[block] += 1

        cell.register_forward_hook(count)
    losses_of(network).without([(), (Part("path", 1, 2),), (Part("path", 2, 2),)])
    # Two batches: once whole, then from the part's block on.
    assert runs == {0: 2, 1: 4, 2: 6}


def test_gradients_do_not_remember_a_look() -> None:
    network = supernet(spread=1.0)
    losses_of(network).without([(PATH,)])
    loss = network(torch.rand(1, 1, 8, 8, 8)).mean()
    loss.backward()
    alphas = [parameter.grad for parameter in network.architecture_parameters()]
    assert all(grad is not None and torch.isfinite(grad).all() for grad in alphas)
    assert alphas[0][1, 2] != 0
