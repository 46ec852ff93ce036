"""Losses with and without each part: what a supernet pruned by hand would give."""

from __future__ import annotations

import copy
import sys

import numpy as np
import pytest
import torch

from iac_components.networks import skip_modules
from iac_components.search.evidence import patient_losses
from iac_components.search.evidence.parts import Part, living_parts
from iac_components.search.evidence.patient_losses import PatientLosses, group_by_patient


def loss_function(prediction, label):
    return torch.nn.functional.cross_entropy(prediction, label[:, 0].long())


def loader(counts, batch_size=2):
    """Batches of a few images of each patient, in turns."""
    generator = torch.Generator().manual_seed(0)
    names = [name for name, count in counts.items() for _ in range(count)]
    images = torch.rand(len(names), 1, 16, 16, generator=generator)
    for start in range(0, len(names), batch_size):
        rows = slice(start, start + batch_size)
        yield {
            "image": images[rows],
            "label": (images[rows] > 0.5).float(),
            "patient": names[rows],
        }


def grouped(counts=None, *, images_a_patient=2, batch_size=3):
    counts = counts or {"b": 3, "a": 2, "c": 1}
    return group_by_patient(
        loader(counts), images_a_patient=images_a_patient, batch_size=batch_size
    )


@pytest.fixture
def opened(make_search):
    """Makes supernets whose cells matter and whose weights differ from uniform."""

    def make(*, frozen=True, **options):
        network = make_search(frozen=frozen, network_options=options).network
        torch.manual_seed(1)
        with torch.no_grad():
            for module in skip_modules(network.backbone):
                module.scale.normal_()
            network.architecture.alphas.normal_()
            network.architecture.betas.normal_()
        return network

    return make


class TestGrouping:
    def test_patients_are_whole_in_order_and_evenly_spaced(self):
        first, second = grouped()
        assert first.rows == {"a": slice(0, 2)}
        assert second.rows == {"b": slice(0, 2), "c": slice(2, 3)}
        images = torch.cat([batch["image"] for batch in loader({"b": 3, "a": 2, "c": 1})])
        torch.testing.assert_close(second.images, images[[0, 2, 5]])
        torch.testing.assert_close(second.labels, (second.images > 0.5).float())

    def test_a_patient_may_be_larger_than_a_batch(self):
        (batch,) = grouped({"a": 5}, images_a_patient=5, batch_size=2)
        assert batch.rows == {"a": slice(0, 5)}

    @pytest.mark.parametrize("options", [{"images_a_patient": 0}, {"batch_size": 0}])
    def test_numbers_are_checked(self, options):
        with pytest.raises(ValueError, match="must be at least 1"):
            grouped(**options)

    def test_an_empty_half_is_told(self):
        with pytest.raises(ValueError, match="has no image to judge parts on"):
            group_by_patient([], images_a_patient=1, batch_size=1)


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("separate", [True, False])
def test_losses_are_those_of_the_supernet_and_of_one_pruned_by_hand(opened, frozen, separate):
    network = opened(frozen=frozen, separate_levels=separate)
    batches = grouped()
    losses = PatientLosses(network, batches, loss_function)
    parts = living_parts(network.space, network.alive.numpy(), kinds=["operation"])[::5]
    reference, without = losses.measure(parts)
    assert losses.patients == ("a", "b", "c")
    network.eval()
    for row, part in enumerate([None, *parts]):
        pruned = copy.deepcopy(network)
        if part is not None:
            alive = pruned.alive.clone()
            alive[part.level, part.index, part.column] = False
            pruned.prune(alive)
        with torch.no_grad():
            expected = [
                loss_function(pruned(batch.images[rows]), batch.labels[rows]).item()
                for batch in batches
                for rows in batch.rows.values()
            ]
        found = reference if part is None else without[row - 1]
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_features_that_do_not_fit_are_computed_again(opened, monkeypatch, caplog):
    network, batches = opened(), grouped()
    parts = [Part("cell", level) for level in range(4)]
    expected = PatientLosses(network, batches, loss_function).measure(parts)
    monkeypatch.setattr(patient_losses, "available_memory", lambda device: 1)
    with caplog.at_level("INFO", logger="iac_components.search"):
        found = PatientLosses(network, batches, loss_function).measure(parts)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-6)
    assert f"kept for 0 of {len(batches)} batches" in caplog.text


def test_a_cell_left_out_is_a_skip_that_passes_and_comes_back(opened):
    network = opened()
    losses = PatientLosses(network, grouped(), loss_function)
    parts = [Part("cell", level) for level in range(4)]
    reference, without = losses.measure(parts)
    assert (abs(without - reference).max(axis=1) > 0).all()
    closed = copy.deepcopy(network)
    with torch.no_grad():
        skip_modules(closed.backbone)[2].scale.zero_()
    expected, _ = PatientLosses(closed, grouped(), loss_function).measure([])
    np.testing.assert_allclose(without[2], expected, rtol=1e-6)
    np.testing.assert_array_equal(losses.measure([])[0], reference)


@pytest.mark.parametrize("separate", [True, False])
@pytest.mark.parametrize("kind", ["node", "cell", "skip"])
def test_nodes_cells_and_skips_are_left_out_as_if_they_had_gone(opened, separate, kind):
    network = opened(separate_levels=separate)
    losses = PatientLosses(network, grouped(), loss_function)
    parts = losses.living_parts([kind])
    assert len(parts) == (4 if kind != "node" else 2 * network.space.levels)
    _, without = losses.measure(parts)
    for part, found in zip(parts, without, strict=True):
        pruned = copy.deepcopy(network)
        if kind == "node":
            alive = pruned.alive.clone()
            alive[part.level, network.space.edges_of(part.index)] = False
            pruned.prune(alive)
        else:
            (pruned.remove_cells if kind == "cell" else pruned.switch_off)([part.level])
        expected, _ = PatientLosses(pruned, grouped(), loss_function).measure([])
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert len({row.tobytes() for row in without}) == len(parts)


def test_what_has_gone_is_no_part(opened):
    network = opened()
    losses = PatientLosses(network, grouped(), loss_function)
    network.remove_cells([1])
    network.switch_off([3])
    assert [part.level for part in losses.living_parts(["cell"])] == [0, 2]
    assert [part.level for part in losses.living_parts(["skip"])] == [0, 1, 2]
    losses.measure(losses.living_parts())


def test_a_cell_that_is_shut_has_parts_without_any_effect(make_search):
    network = make_search().network
    losses = PatientLosses(network, grouped(), loss_function)
    parts = living_parts(network.space, network.alive.numpy(), cells=4)
    reference, without = losses.measure(parts)
    np.testing.assert_array_equal(without, np.broadcast_to(reference, without.shape))


def test_nothing_of_the_network_changes(opened):
    network = opened(frozen=False).train()
    before = copy.deepcopy(network.state_dict())
    modes = [module.training for module in network.modules()]
    PatientLosses(network, grouped(), loss_function).measure(
        living_parts(network.space, network.alive.numpy(), kinds=["edge", "node", "cell"], cells=4)
    )
    after = network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert [module.training for module in network.modules()] == modes
    assert all("forward" not in module.__dict__ for module in network.modules())


def test_the_encoder_runs_once_and_the_cost_is_counted(opened):
    network = opened()
    calls = []
    network.backbone.down_2.convs.register_forward_hook(lambda *_: calls.append(1))
    losses = PatientLosses(network, grouped(), loss_function)
    assert len(calls) == 2  # one a batch
    parts = living_parts(network.space, network.alive.numpy(), kinds=["edge"])
    losses.measure(parts)
    assert len(calls) == 2
    assert losses.passes == (1 + len(parts)) * 5


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_sees_how_far_a_long_look_is(opened, monkeypatch, capsys, terminal):
    monkeypatch.setattr("iac_components.search.evidence.losses_by_patient.PATIENCE", 0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    batches = grouped()
    PatientLosses(opened(), batches, loss_function).measure([Part("cell", 0), Part("cell", 1)])
    shown = capsys.readouterr().err
    assert ("judging parts" in shown) == terminal
    assert (f"/{3 * len(batches)}" in shown) == terminal


def test_ranks_have_the_same_patients_and_average_what_they_measure(opened, monkeypatch):
    module = "iac_components.search.evidence.losses_by_patient"
    network, compared = opened(), []
    expected, _ = PatientLosses(network, grouped(), loss_function).measure([])
    monkeypatch.setattr(f"{module}.require_same", lambda content, **_: compared.append(content))
    monkeypatch.setattr(f"{module}.average", lambda tensors: [tensor + 1 for tensor in tensors])
    found, _ = PatientLosses(network, grouped(), loss_function).measure([])
    assert compared == [b"a\0b\0c"]
    np.testing.assert_allclose(found, expected + 1)
