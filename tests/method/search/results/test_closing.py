"""The end of a search by audit: what it removes, and what it never removes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch
from monai.networks.nets import BasicUNet

from iac_components.networks import CellSearchNetwork
from iac_components.search import AuditSettings, SearchAudit
from iac_components.search.audits.looks.choice import contested_inputs
from iac_components.search.evidence.parts import Part
from iac_components.search.results.closing import _Looks, _spare


def ended(losses):
    """Return an audit of a supernet of two nodes and two operations whose losses are given."""
    torch.manual_seed(0)
    network = CellSearchNetwork(
        BasicUNet(2, 1, 2, (8,) * 6), num_nodes=2, operations=("skip_connect", "max_pool_3x3")
    )
    measured = SimpleNamespace(
        patients=tuple("abcdefgh"),
        batches=(),
        without=lambda bundles: np.array([np.broadcast_to(losses(b), 8) for b in bundles]),
    )
    costs = SimpleNamespace(operations=lambda unit: np.array([0.0, 1.0]))
    settings = AuditSettings(every=1, warmup_epochs=0, passes=1000)
    return SearchAudit(network, lambda: measured, settings, costs=costs)


def test_cells_without_which_the_loss_is_not_finite_are_kept():
    def losses(parts):
        cells = sum(part.kind == "cell" for part in parts)
        return np.nan if cells > 1 else 0.5 * (len(parts) > cells)

    audit = ended(losses)
    assert len(_spare(audit)) <= 1
    assert len(audit.remaining.cells) >= 3


def test_an_input_without_which_the_loss_is_not_finite_is_the_best():
    audit = ended(lambda parts: np.inf if Part("edge", 0, 2) in parts else 0.01 * len(parts))
    inputs = contested_inputs(audit.remaining)
    effects = _Looks(audit, 1).effects_of(inputs)
    assert max(effects, key=lambda part: effects[part]) == Part("edge", 0, 2)


def test_at_the_end_everything_is_judged_again_after_a_removal():
    """Cell 3 and node 1 are needless, which shows only once the training is over."""
    noise, over = np.random.default_rng(0), False

    def effect(part):
        if not over:
            return noise.normal(0.02, 0.1, 8)
        needless = part in (Part("cell", 3), Part("node", 0, 1))
        return noise.normal(0.0 if needless else 0.1, 1e-5, 8)

    audit = ended(lambda parts: sum((effect(part) for part in parts), np.zeros(8)))
    for epoch in range(1, 9):
        audit.look(epoch)
    over = True
    _Looks(audit, 8).settle()
    assert audit.remaining.cells == [0, 1, 2]
    assert audit.remaining.nodes(0) == [0]
