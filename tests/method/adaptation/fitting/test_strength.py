"""Adapters at part of their strength, between the released network and what was trained."""

from __future__ import annotations

import copy
import re

import pytest
import torch
from threshold_site import make_site

from iac_components.adaptation import AdapterError, AdaptSettings, load_adapter
from iac_components.adaptation.adapter.applying import attach_parts, build_with, gather_values
from iac_components.adaptation.candidates import PlanOptions, find_candidate
from iac_components.adaptation.choice.trainings import Trainings
from iac_components.adaptation.fitting.fit import Fitted
from iac_components.adaptation.fitting.strength import interpolated, weakened
from iac_components.adaptation.session import adapt_site
from iac_components.bundling.options import OptionError

SETTINGS = AdaptSettings(candidates=("norms",), budget=1.0, steps=40, rate=10.0)
KINDS = ("norm_statistics", "norms", "gates", "lora", "cells", "decoder", "everything")


def trained(network, kind, shape):
    """Return a candidate's plan and values that are moved as by a training."""
    plan = find_candidate(kind).plan(network, PlanOptions(10**9, None, shape))
    torch.manual_seed(0)
    start = gather_values(attach_parts(copy.deepcopy(network), [plan]))
    end = {
        name: value + 0.2 * torch.rand_like(value) if value.is_floating_point() else value
        for name, value in start.items()
    }
    return plan, Fitted(build_with(network, [plan], end), end, start)


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_every_candidate_goes_from_the_released_network_to_what_was_trained(batch_norms, kind):
    base = batch_norms
    network, image = base.network(), base.image()
    plan, fitted = trained(network, kind, base.shape)
    released, whole = network(image), fitted.network(image)
    change = (whole - released).abs().mean()
    assert change > 1e-3
    barely, half, nearly = (
        weakened(network, [plan], fitted, strength).network(image)
        for strength in (1e-4, 0.5, 0.9999)
    )
    assert (barely - released).abs().mean() < 0.05 * change
    assert (nearly - whole).abs().mean() < 0.05 * change
    assert not torch.allclose(half, released)
    assert not torch.allclose(half, whole)
    assert weakened(network, [plan], fitted, 1.0) is fitted


def test_values_lie_on_the_way_and_counts_are_the_last():
    start = {"weight": torch.tensor([0.0, 2.0]), "count": torch.tensor(3)}
    end = {"weight": torch.tensor([1.0, 0.0]), "count": torch.tensor(7)}
    found = interpolated(start, end, 0.25)
    assert found["weight"].tolist() == [0.25, 1.5]
    assert found["count"].item() == 7


def test_one_training_is_judged_at_every_strength_and_found_again(tmp_path, monkeypatch):
    made = Trainings(make_site("inverted"), SETTINGS, folder=tmp_path)
    results = made.unit(("norms", 0, 0))
    assert tuple(results) == (0.25, 0.5, 0.75, 1.0)
    (case,) = results[1.0].scores
    assert len({result.scores[case] for result in results.values()}) > 1
    assert made.missing == [("norms", 0, fold) for fold in range(1, len(made.folds))]
    again = Trainings(make_site("inverted"), SETTINGS, folder=tmp_path)
    monkeypatch.setattr(Trainings, "fit", lambda *_: pytest.fail("it was trained again"))
    assert again.unit(("norms", 0, 0))[0.5].scores == results[0.5].scores


def test_a_result_without_its_other_strengths_is_made_again(tmp_path):
    made = Trainings(make_site("inverted"), SETTINGS, folder=tmp_path)
    scores = made.unit(("norms", 0, 0))[0.25].scores
    (file,) = tmp_path.glob("*-norms-*-0-0-0.25.pt")
    file.unlink()
    again = Trainings(make_site("inverted"), SETTINGS, folder=tmp_path)
    assert ("norms", 0, 0) in again.missing
    assert again.unit(("norms", 0, 0))[0.25].scores == scores


def test_baselines_are_judged_at_full_strength_alone():
    settings = AdaptSettings(candidates=("norms",), compare=("everything",), strengths=(0.5,))
    made = Trainings(make_site("none"), settings)
    assert (made.strengths("norms"), made.strengths("everything")) == ((0.5,), (1.0,))


def test_the_adapter_is_at_the_strength_that_was_chosen_and_says_so(tmp_path):
    settings = AdaptSettings.of({**SETTINGS.plain(), "strengths": 0.75})
    found = adapt_site(make_site("dark"), settings, tmp_path)
    assert found.verdict.chosen == "norms"
    assert "at strength 0.75" in found.verdict.sentence
    adapter = load_adapter(tmp_path / "adapter")
    assert (adapter.strength, adapter.describe()) == (0.75, "norms at strength 0.75")
    whole = Trainings(make_site("dark"), settings).final("norms")
    for name, value in adapter.tensors.items():
        assert torch.allclose(value, whole.start[name].lerp(whole.values[name], 0.75))
        assert not torch.equal(value, whole.values[name])
    assert "| norms - used | 0.75 |" in (tmp_path / "report.md").read_text()


def test_adapters_that_do_not_say_are_at_full_strength(tmp_path):
    settings = AdaptSettings.of({**SETTINGS.plain(), "strengths": 1})
    adapt_site(make_site("inverted"), settings, tmp_path)
    file = tmp_path / "adapter" / "adapter.json"
    text = file.read_text()
    file.write_text(text.replace('"strength": 1.0,', "", 1))
    assert file.read_text() != text
    assert load_adapter(tmp_path / "adapter").strength == 1


@pytest.mark.parametrize("strength", ["0.0", "2.5", "NaN"])
def test_an_adapter_of_no_strength_is_refused(tmp_path, strength):
    adapt_site(make_site("dark"), SETTINGS, tmp_path)
    file = tmp_path / "adapter" / "adapter.json"
    text, count = re.subn(
        r'"strength": [\d.]+,\s+"weights"', f'"strength": {strength}, "weights"', file.read_text()
    )
    assert count == 1
    file.write_text(text)
    with pytest.raises(AdapterError, match=r"adapter\.json.*strength"):
        load_adapter(tmp_path / "adapter")


def test_strengths_that_are_nearly_the_same_are_not_taken_for_each_other(tmp_path):
    for strength in (0.3333333, 0.3333334):
        settings = AdaptSettings.of({**SETTINGS.plain(), "strengths": strength})
        made = Trainings(make_site("none"), settings, folder=tmp_path)
        assert ("norms", 0, 0) in made.missing
        made.unit(("norms", 0, 0))


@pytest.mark.parametrize("strengths", [(), (0.0, 1.0), (0.5, 1.5), -1])
def test_strengths_must_be_shares(strengths):
    with pytest.raises(OptionError, match=r"--strengths.*above 0 and at most 1"):
        AdaptSettings(strengths=strengths)


def test_strengths_are_taken_in_rising_order_and_once():
    assert AdaptSettings(strengths=(1, 0.5, 0.5)).strengths == (0.5, 1.0)
