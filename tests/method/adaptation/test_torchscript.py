"""Networks in TorchScript: adapted by their norm layers, as the Python network would be."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from adapters import moved_adapter
from monai.networks.nets import UNet
from scripted import WAYS, reloaded, scripted
from threshold_site import Threshold, make_case, make_site

from iac_components.adaptation import AdapterError, AdaptSettings, apply_adapter, load_adapter
from iac_components.adaptation.adapter.applying import attach_parts
from iac_components.adaptation.adapter.base_network import network_digest, private_copy
from iac_components.adaptation.candidates import NotApplicableError, PlanOptions, find_candidate
from iac_components.adaptation.candidates.norm_layers import batch_norms, norm_layers
from iac_components.adaptation.choice.planning import plan_arms
from iac_components.adaptation.fitting.batch_statistics import estimate_statistics
from iac_components.adaptation.fitting.fit import FitSettings, fit_parts, group_norms_mended
from iac_components.adaptation.fitting.pool import WindowPool
from iac_components.adaptation.session import adapt_site
from iac_components.bundling.options import OptionError

MOST = PlanOptions(10**9)


def kinds_of(network):
    return ["norms", *(["norm_statistics"] if batch_norms(network) else [])]


def test_the_same_norm_layers_are_found(twins):
    _, network, made = twins
    assert list(norm_layers(made)) == list(norm_layers(network))
    assert network_digest(made) == network_digest(network)
    for kind in kinds_of(network):
        candidate = find_candidate(kind)
        assert candidate.plan(made, MOST) == candidate.plan(network, MOST)


@torch.no_grad()
def test_an_adapter_does_what_it_does_in_the_python_network(twins, tmp_path):
    base, network, made = twins
    image = base.image()
    before = made(image)
    state = {name: value.clone() for name, value in made.state_dict().items()}
    flags = [parameter.requires_grad for parameter in made.parameters()]
    adapter = moved_adapter(made, *kinds_of(network))
    folder = adapter.save(tmp_path / "a")
    adapted = apply_adapter(made, folder)
    found = adapted(image)
    assert not torch.allclose(found, before, atol=1e-4)
    assert torch.allclose(found, apply_adapter(network, folder)(image), atol=1e-5)
    assert torch.equal(reloaded(adapted)(image), found)
    assert torch.equal(made(image), before)
    assert all(torch.equal(made.state_dict()[name], value) for name, value in state.items())
    assert [parameter.requires_grad for parameter in made.parameters()] == flags
    assert not any(parameter.requires_grad for parameter in adapted.parameters())


@torch.no_grad()
def test_off_is_the_released_network_to_the_bit(twins):
    base, _, made = twins
    image = base.image()
    assert apply_adapter(made, "none") is made
    assert torch.equal(apply_adapter(made, moved_adapter(made))(image), made(image))


def test_every_value_can_be_trained_and_nothing_else(twins):
    base, network, made = twins
    copy = private_copy(made)
    plan = find_candidate("norms").plan(made, MOST)
    (attachment,) = attach_parts(copy, [plan])
    assert torch.allclose(copy(base.image()), network(base.image()), atol=1e-5)
    values = attachment.parameters()
    assert sum(value.numel() for value in values) == plan.parameters
    assert set(map(id, values)) == {id(p) for p in copy.parameters() if p.requires_grad}
    with group_norms_mended(copy):
        copy(base.image()).square().sum().backward()
    assert all(value.grad is not None for value in values)
    assert any(bool(value.grad.count_nonzero()) for value in values)
    assert all(parameter.grad is None for parameter in made.parameters())


@pytest.mark.parametrize("way", WAYS)
def test_statistics_are_those_of_training(batch_norms, way):
    base = batch_norms
    network = base.network()
    made = scripted(network, base.image(), way)
    batches = [2 + 3 * base.image(seed) for seed in range(3)]
    estimate_statistics(made, batches)
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm3d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    for batch in batches:
        network(batch)
    state = made.state_dict()
    for name, value in network.state_dict().items():
        if "running" in name:
            assert torch.allclose(state[name], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("way", WAYS)
def test_training_gives_what_it_gives_in_python(way):
    site = make_site("inverted")
    made = scripted(site.network, site.cases[0].image[None], way)
    plans = [find_candidate("norms").plan(made, MOST)]
    windows = WindowPool(site.cases, site.window, seed=0).of(site.cases, 2)
    found = [
        fit_parts(network, plans, windows, site.objective, FitSettings(steps=5), seed=1).values
        for network in (site.network, made)
    ]
    for name, value in found[0].items():
        assert torch.allclose(value, found[1][name], atol=1e-4)


def site_of(shift, way="script", **changes):
    site = make_site(shift)
    made = scripted(Threshold(), site.cases[0].image[None], way)
    return replace(site, network=made, **changes)


@pytest.mark.parametrize("way", WAYS)
def test_a_shift_is_found_and_mended(way, tmp_path, capsys):
    settings = AdaptSettings(budget=1.0, steps=40, rate=10.0)
    found = adapt_site(site_of("inverted", way), settings, tmp_path)
    assert found.verdict.chosen == "norms"
    assert found.verdict.effect.low > 0
    told = capsys.readouterr().out
    assert "Network: Threshold, classes disc." in told
    (line,) = [one for one in told.splitlines() if "left out" in one]
    assert line.startswith("  gates, lora, cells: left out (nothing can be put into the layers of")
    adapter = load_adapter(tmp_path / "adapter")
    assert (adapter.base_name, adapter.base_digest) == ("Threshold", network_digest(Threshold()))
    image = make_case(100, "inverted").image[None]
    released = site_of("inverted", way).network
    with torch.no_grad():
        assert torch.equal(apply_adapter(released, adapter)(image), found.network(image))
    assert "in norm" in (tmp_path / "report.md").read_text()


def test_without_a_shift_the_network_is_kept(tmp_path):
    settings = AdaptSettings(candidates=("norm_statistics", "norms"), budget=1.0, steps=20)
    site = site_of("none")
    found = adapt_site(site, settings, tmp_path)
    assert found.verdict.chosen is None
    assert load_adapter(tmp_path / "adapter").is_identity
    assert found.network is site.network


def test_an_adapter_of_other_weights_is_refused(basic):
    made = scripted(basic.network(), basic.image(), "script")
    adapter = moved_adapter(made, "norms")
    other = scripted(basic.network(seed=1), basic.image(), "script")
    with pytest.raises(AdapterError, match="is for 'BasicUNet' with weights sha256"):
        apply_adapter(other, adapter)


def test_an_adapter_that_torchscript_cannot_have_is_refused(basic):
    adapter = moved_adapter(basic.network(), "norms", "lora", "cells")
    made = scripted(basic.network(), basic.image(), "script")
    message = r"do not fit into BasicUNet: .*TorchScript, which takes no lora and no cells\. Take"
    with pytest.raises(AdapterError, match=message):
        apply_adapter(made, adapter)


def test_norms_without_scale_and_shift_are_left_alone():
    network = UNet(2, 1, 2, (4, 8), (2,)).eval()
    image = torch.rand(1, 1, 24, 24)
    adapter = moved_adapter(network, "norms")
    for way in WAYS:
        made = scripted(network, image, way)
        with pytest.raises(NotApplicableError, match="TorchScript takes no new ones"):
            find_candidate("norms").plan(made, MOST)
        with pytest.raises(AdapterError, match="weights do not fit its parts"):
            apply_adapter(made, adapter)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"candidates": "lora"}, "--candidates lora: nothing can be put into the layers"),
        (
            {"candidates": ["norms", "norms+cells"], "budget": 1.0},
            r"--candidates norms\+cells: nothing can",
        ),
        ({"compare": "decoder"}, "--compare decoder: nothing can be put into the layers"),
        ({"compare": "everything"}, "--compare everything: nothing can"),
        ({"candidates": "norms", "budget": 0.1}, "--candidates norms: .*budget of 0. Leave it out"),
    ],
)
def test_what_was_asked_for_and_cannot_be_had_is_an_error(asked, message):
    with pytest.raises(OptionError, match=message) as caught:
        plan_arms(site_of("none"), AdaptSettings.of(asked))
    assert "\n" not in str(caught.value)


def test_a_norm_that_is_not_computed_has_no_statistics():
    class Unused(Threshold):
        def forward(self, x):
            return self.classify(x)

    with pytest.raises(RuntimeError, match="no batch norm was computed"):
        estimate_statistics(Unused(), [torch.rand(1, 1, 24, 24)])
