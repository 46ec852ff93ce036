"""``monai.bundle.load``: the network of the inference bundle with its weights."""

from __future__ import annotations

import monai.bundle
import torch

from iac_components.networks import load_state


def test_network_has_the_shipped_weights(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network = monai.bundle.load(
        shipped.name,
        bundle_dir=shipped.parent,
        workflow_type="inference",
        device="cpu",
        source="github",
    )
    saved = load_state(shipped / "models" / "model.pt")
    state = network.state_dict()
    assert state.keys() == saved.keys()
    assert all(torch.equal(state[key], saved[key]) for key in saved)
    # Nothing was asked of data, and nothing written.
    assert not list(tmp_path.iterdir())
    assert not (shipped / "eval").exists()
