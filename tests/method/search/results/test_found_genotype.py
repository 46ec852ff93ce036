"""The found genotype agrees with the trace and says where it came from."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from monai.networks.nets import BasicUNet

from iac_components.networks import build_network
from iac_components.search import SearchTrace, save_found_genotype, settings_digest
from iac_components.search_space import SearchSpace, load_genotype

SETTINGS = {"dataset": "acdc", "backbone": "unet", "seed": 3, "patch_size": [96, 96]}


def save(search, path, settings=SETTINGS):
    return save_found_genotype(path, search.network, trace=search.trace, settings=settings)


def test_decided_search(make_search, always_stable, tmp_path):
    search = make_search(epochs=9, criterion=always_stable(1)).run()
    found = save(search, tmp_path / "genotype.json")
    assert load_genotype(tmp_path / "genotype.json") == found
    alive = search.network.architecture.alive[0]
    for node in found.nodes:
        for edge in node.edges:
            row = found.search_space.edges.index((node.node, edge.input))
            assert alive[row].tolist() == [
                o == edge.operation for o in found.search_space.operations
            ]
    assert found.provenance["stop_reason"] == "genotype decided"
    assert found.provenance["epochs"] == 2
    assert found.provenance["settings"] == SETTINGS
    assert found.provenance["settings_digest"] == settings_digest(SETTINGS)
    assert found.provenance["device"] == "cpu"
    assert found.provenance["versions"]["torch"] == torch.__version__
    assert found.provenance["seconds"] == round(search.trace.total_seconds, 1)
    network = build_network(BasicUNet(2, 1, 2, (8,) * 6), genotype_path=tmp_path / "genotype.json")
    assert network(torch.rand(1, 1, 32, 32)).shape == (1, 2, 32, 32)


def test_search_of_full_length(make_search, tmp_path):
    search = make_search(epochs=1, keep_schedule=(), edge_schedule=()).run()
    found = save(search, tmp_path / "genotype.json")
    assert found.provenance["stop_reason"] == "max_epochs reached"
    assert all(len(node.edges) == 2 for node in found.nodes)


def test_search_without_an_epoch(make_supernet, tmp_path):
    network = make_supernet()
    with pytest.raises(ValueError, match="trace is empty"):
        save_found_genotype(
            tmp_path / "genotype.json", network, trace=SearchTrace(network.space), settings={}
        )
    assert list(tmp_path.iterdir()) == []


def one_epoch(network, steps=1):
    trace, shape = SearchTrace(network.space), network.architecture.alive.shape
    trace.append(
        probabilities=np.random.default_rng(0).random(shape),
        edge_weights=np.random.default_rng(1).random(shape[:2]),
        divergence=np.full(shape[:2], np.nan),
        alive=np.ones(shape, dtype=bool),
        seconds=1.0,
        architecture_steps=steps,
    )
    return trace


def test_search_without_an_architecture_step_finds_nothing(make_search, tmp_path):
    """All warm-up, or every gradient NaN: what the alphas say is how they were drawn."""
    search = make_search(epochs=2, warmup_epochs=2, keep_schedule=(), edge_schedule=()).run()
    with pytest.raises(ValueError, match=r"no architecture step was made in 2 epoch\(s\)"):
        save(search, tmp_path / "genotype.json")
    assert list(tmp_path.iterdir()) == []


def test_steps_are_counted_through_a_resume(make_search, tmp_path):
    options = {"warmup_epochs": 1, "keep_schedule": (), "edge_schedule": ()}
    make_search(tmp_path, epochs=2, **options).run()
    resumed = make_search(tmp_path, epochs=3, resume=True, **options).run()
    assert resumed.trace.architecture_steps == 2 * 2
    assert save(resumed, tmp_path / "genotype.json").provenance["architecture_steps"] == 4


def test_settings_that_are_no_json_do_not_lose_the_cell(make_supernet, tmp_path):
    """A path or a device among the settings must not cost hours of search."""
    network, path = make_supernet(), tmp_path / "genotype.json"
    settings = {"device": torch.device("cpu"), "folder": tmp_path, "patch_size": (96, 96)}
    save_found_genotype(path, network, trace=one_epoch(network), settings=settings)
    stored = json.loads(path.read_text())["provenance"]
    assert stored["settings"] == {"device": "cpu", "folder": str(tmp_path), "patch_size": [96, 96]}
    assert stored["settings_digest"] == settings_digest(settings)
    assert stored["settings_digest"] == settings_digest(stored["settings"])


def test_digest_of_settings_ignores_their_order():
    assert settings_digest(SETTINGS) == settings_digest(dict(reversed(SETTINGS.items())))
    assert settings_digest(SETTINGS) != settings_digest({**SETTINGS, "seed": 4})
    assert settings_digest(SETTINGS).startswith("sha256:")


def test_cell_does_not_depend_on_the_provenance(make_supernet, tmp_path):
    network = make_supernet()
    trace = one_epoch(network)
    cells = [
        save_found_genotype(tmp_path / "genotype.json", network, trace=trace, settings={"seed": s})
        for s in (0, 1)
    ]
    assert cells[0].digest == cells[1].digest
    assert isinstance(cells[0].search_space, SearchSpace)
