"""NaN and infinity in a search: steps are skipped, weights stay, several in a row end it."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Events

from iac_components.engine import NonFiniteLossError


def spoil(search, iterations, value=float("nan")):
    """Make the image of some iterations not finite, and note the parameters around each step."""
    moved = {}

    @search.trainer.on(Events.ITERATION_STARTED)
    def before(engine):
        engine.before = [p.detach().clone() for p in search.network.weight_parameters()]
        if engine.state.iteration in iterations:
            engine.state.batch["image"][0, 0, 0, 0] = value

    @search.trainer.on(Events.ITERATION_COMPLETED)
    def after(engine):
        parameters = search.network.weight_parameters()
        pairs = zip(parameters, engine.before, strict=True)
        moved[engine.state.iteration] = any(not torch.equal(p, b) for p, b in pairs)

    return moved


OPTIONS = {"batches": 4, "keep_schedule": (), "edge_schedule": ()}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_bad_steps_are_skipped_and_counted(make_search, value):
    search = make_search(epochs=2, architecture_every=9, **OPTIONS)
    moved = spoil(search, {2, 3, 6}, value)
    search.run()
    assert [i for i, has in moved.items() if not has] == [2, 3, 6]
    assert search.guard.total == 3
    assert search.guard.in_a_row == 0
    assert all(torch.isfinite(p).all() for p in search.network.parameters())
    assert all(torch.isfinite(s["exp_avg"]).all() for s in search.optimizer.state.values())


def test_several_in_a_row_end_the_search(make_search, tmp_path):
    search = make_search(tmp_path, epochs=3, **OPTIONS)
    spoil(search, {6, 7, 8})
    with pytest.raises(NonFiniteLossError, match=r"3 steps in a row .* \(epoch 2\)"):
        search.run()
    names = [path.name for path in (tmp_path / "checkpoints").iterdir()]
    assert names == ["checkpoint_epoch=1.pt"]
    assert all(p.requires_grad for p in search.network.architecture_parameters())


def test_nan_among_the_alphas_ends_the_search(make_search):
    search = make_search(epochs=3, **OPTIONS)
    with torch.no_grad():
        search.network.architecture.alphas[0, 0, 0] = float("nan")
    with pytest.raises(NonFiniteLossError):
        search.run()
    assert search.network.architecture.alive.all()
