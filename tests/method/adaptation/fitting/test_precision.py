"""Adapters trained in bfloat16: nearly the same values, judged and kept in float32."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from threshold_site import Threshold, make_site

from iac_components.adaptation import AdaptSettings
from iac_components.adaptation.candidates import NotApplicableError, PlanOptions, find_candidate
from iac_components.adaptation.choice import trainings as module
from iac_components.adaptation.choice.trainings import Trainings
from iac_components.adaptation.fitting.fit import FitSettings, fit_parts
from iac_components.adaptation.fitting.objective import Objective
from iac_components.adaptation.fitting.pool import Batch
from iac_components.adaptation.session import adapt_site
from iac_components.adaptation.site import Site
from iac_components.bundling.options import OptionError

SETTINGS = AdaptSettings(candidates=("norms",), budget=1.0, steps=40, rate=10.0, amp=False)


def trainings(amp, folder=None):
    settings = AdaptSettings.of({**SETTINGS.plain(), "amp": amp})
    return Trainings(make_site("inverted"), settings, folder=folder)


def test_values_are_nearly_those_of_float32_and_not_the_same():
    values = []
    for amp in (False, True):
        made = trainings(amp)
        values.append(made.fit("norms", made.site.cases, 0).values)
    exact, mixed = values
    assert exact.keys() == mixed.keys()
    for name, value in exact.items():
        assert mixed[name].dtype == torch.float32
        assert torch.allclose(mixed[name], value, rtol=0.2, atol=0.05)
    assert any(not torch.equal(mixed[name], value) for name, value in exact.items())


def test_only_training_is_in_bfloat16():
    seen = set()

    def note(network, _, output):
        seen.add((torch.is_grad_enabled(), torch.is_autocast_enabled("cpu")))

    made = trainings(True)
    handle = torch.nn.modules.module.register_module_forward_hook(note)
    try:
        fitted = made.fit("norms", made.site.cases, 0)
        assert (True, True) in seen
        seen.clear()
        made.scored(fitted.network, made.site.cases)
        assert {autocast for _, autocast in seen} == {False}
    finally:
        handle.remove()


@pytest.mark.parametrize("units", [True, False])
def test_the_default_is_what_the_device_has_units_for(monkeypatch, units):
    monkeypatch.setattr(module, "has_bfloat16_units", lambda device: units)
    assert trainings(None).settings.amp is False  # small windows gain nothing
    monkeypatch.setattr(module, "BFLOAT16_VOXELS", math.prod(make_site("none").shape[2:]))
    assert trainings(None).settings.amp is units
    assert trainings(None).settings.fit.amp is units
    # What was asked for stands.
    assert trainings(not units).settings.amp is not units


def test_results_of_the_other_precision_are_not_taken(tmp_path):
    made = trainings(False, tmp_path)
    made.unit(("norms", 0, 0))
    assert len(trainings(False, tmp_path).missing) == len(made.units) - 1
    assert len(trainings(True, tmp_path).missing) == len(made.units)


def test_torchscript_is_trained_in_float32(monkeypatch):
    monkeypatch.setattr(module, "has_bfloat16_units", lambda device: True)
    monkeypatch.setattr(module, "BFLOAT16_VOXELS", 0)
    site = make_site("inverted")
    scripted = Site(
        torch.jit.script(site.network), site.cases, site.class_names, site.inferer, site.window
    )
    assert (
        Trainings(scripted, AdaptSettings.of({**SETTINGS.plain(), "amp": None})).settings.amp
        is False
    )
    with pytest.raises(OptionError, match="--amp true: the network is TorchScript"):
        Trainings(scripted, AdaptSettings.of({**SETTINGS.plain(), "amp": True}))


def test_the_plan_tells(capsys):
    settings = AdaptSettings.of({**SETTINGS.plain(), "steps": 1})
    for amp in (False, True):
        adapt_site(make_site("none"), replace(settings, amp=amp))
        assert ("1 steps in bfloat16" in capsys.readouterr().out) is amp


def test_a_network_that_bfloat16_lacks_an_operation_of_stays_in_float32(monkeypatch):
    monkeypatch.setattr(module, "has_bfloat16_units", lambda device: True)
    monkeypatch.setattr(module, "BFLOAT16_VOXELS", 0)
    assert trainings(None).settings.amp is True
    own = Threshold.forward

    def forward(self, image):
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("not implemented for 'BFloat16'")
        return own(self, image)

    monkeypatch.setattr(Threshold, "forward", forward)
    assert trainings(None).settings.amp is False


def test_every_part_of_every_network_is_trained(any_base):
    """No operation of theirs lacks bfloat16 on a CPU, and no value is left without a gradient.

    Networks for volumes, which take ten times as long, have the same code: they get fewer parts.
    """
    network, image = any_base.network(), any_base.image()
    objective = Objective(tuple(range(1, 3)), 3)
    labels = (image * 3).long().clamp(max=2)
    windows = Fixed(Batch(image, labels, ("window",)))
    volumes = len(any_base.shape) == 5
    for kind in (
        "norms",
        "cells",
        "everything",
        *(() if volumes else ("gates", "lora", "decoder")),
    ):
        candidate = find_candidate(kind)
        try:
            plan = candidate.plan(network, PlanOptions(10**9))
        except NotApplicableError:
            continue
        start, exact, mixed = (
            fit_parts(network, [plan], windows, objective, settings, seed=0).values
            for settings in (
                FitSettings(steps=1, rate=0.0),
                FitSettings(steps=2, rate=10.0),
                FitSettings(steps=2, rate=10.0, amp=True),
            )
        )
        for name, value in start.items():
            assert torch.isfinite(mixed[name]).all(), (kind, name)
            moved = not torch.equal(exact[name], value)
            assert torch.equal(mixed[name], value) is not moved, (kind, name)


class Fixed:
    """The same windows in every step."""

    def __init__(self, batch):
        self.batch = batch

    def draw(self, generator):
        return self.batch
