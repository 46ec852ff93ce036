"""Adaptations as a whole, of a network that segments what is bright."""

from __future__ import annotations

import json
import os
import signal
from types import SimpleNamespace

import pytest
import torch
from threshold_site import Threshold, make_case, make_site

from iac_components.adaptation import AdaptSettings, apply_adapter, load_adapter
from iac_components.adaptation.choice.trainings import Trainings
from iac_components.adaptation.run import decide, estimate_seconds
from iac_components.adaptation.session import adapt_site
from iac_components.bundling.options import OptionError

SETTINGS = AdaptSettings(
    candidates=("norm_statistics", "norms", "cells"), budget=1.0, steps=40, rate=10.0
)


def dice(network, shift):
    site = make_site(shift, cases=6, first=100)
    scores = Trainings(site, SETTINGS).scored(network, site.cases).scores
    return sum(score[0] for score in scores.values()) / len(scores)


@pytest.fixture(scope="module")
def adapted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapted")
    return adapt_site(make_site("inverted"), SETTINGS, folder), folder


def test_a_shift_is_found_and_mended(adapted):
    found, folder = adapted
    assert found.verdict.chosen == "norms"
    assert found.verdict.effect.low > 0
    assert "norms" in found.verdict.sentence
    assert dice(Threshold(), "inverted") < 0.3
    assert dice(apply_adapter(Threshold(), folder / "adapter"), "inverted") > 0.7
    assert dice(found.network, "inverted") == dice(
        apply_adapter(Threshold(), folder / "adapter"), "inverted"
    )


def test_what_a_network_cannot_have_is_left_out_with_the_reason(adapted):
    effects = {effect.arm: effect for effect in adapted[0].verdict.effects}
    assert "no skip connection" in effects["cells"].note
    assert effects["norms"].parameters == 2


def test_the_adapter_says_where_it_is_from(adapted):
    record = load_adapter(adapted[1] / "adapter").record
    assert record["verdict"] == "adapt"
    assert record["cases"][0] == {"case": "case_0", "patient": "patient_0"}
    assert record["effects"][1]["low"] > 0
    result = json.loads((adapted[1] / "result.json").read_text())
    assert result["cases"]["case_0"]["after"][0] > result["cases"]["case_0"]["before"][0]


@torch.no_grad()
def test_without_a_shift_the_network_is_kept(tmp_path):
    found = adapt_site(make_site("none"), SETTINGS, tmp_path)
    assert found.verdict.chosen is None
    assert "Keep the network as it is" in found.verdict.sentence
    adapter = load_adapter(tmp_path / "adapter")
    assert adapter.is_identity
    network, image = Threshold(), make_case(7).image[None]
    assert torch.equal(apply_adapter(network, adapter)(image), network(image))
    assert (tmp_path / "report.html").is_file()


def test_the_plan_times_a_step_alone(monkeypatch):
    """The windows, which are made once, do not count for every step."""
    made, clock, pool = [], [0.0], "iac_components.adaptation.fitting.pool"
    monkeypatch.setattr(f"{pool}.augment", lambda *pair: made.append(1) or pair[:2])
    time = SimpleNamespace(perf_counter=lambda: clock[0])
    monkeypatch.setattr("iac_components.adaptation.run.time", time)
    trainings = Trainings(make_site("none"), SETTINGS)

    def fit(arm, cases, seed, settings, *, after_step):
        assert made
        for seconds in (100.0, 2.0):
            clock[0] += seconds
            after_step()

    monkeypatch.setattr(trainings, "fit", fit)
    # Four folds and the training of all cases, of the only candidate that is trained.
    assert estimate_seconds(trainings) == 5 * 2.0 * SETTINGS.steps


def test_scores_of_another_inferer_are_not_taken(tmp_path):
    sites = [make_site("none", inferer_digest=digest) for digest in ("a", "b", "a")]
    Trainings(sites[0], SETTINGS, folder=tmp_path).released()
    kept = [Trainings(site, SETTINGS, folder=tmp_path).files.find("released") for site in sites[1:]]
    assert [one is not None for one in kept] == [False, True]


def test_a_gain_must_be_above_the_least_gain():
    settings = AdaptSettings.of({**SETTINGS.plain(), "least_gain": 0.95})
    found = decide(Trainings(make_site("inverted"), settings))
    assert found.verdict.chosen is None
    assert "above 0.95" in found.verdict.reason


def test_what_harms_the_networks_own_domain_is_not_used():
    source = [make_case(200 + number) for number in range(4)]
    found = decide(Trainings(make_site("inverted", source=source), SETTINGS))
    assert found.verdict.chosen is None
    assert "own domain" in found.verdict.reason
    effect = next(e for e in found.verdict.effects if e.arm == "norms")
    assert effect.low > 0
    assert effect.source[0] < -0.3


def test_baselines_are_measured_and_never_chosen():
    settings = AdaptSettings.of(
        {**SETTINGS.plain(), "candidates": "norms", "compare": "everything"}
    )
    found = decide(Trainings(make_site("inverted"), settings))
    assert found.verdict.chosen == "norms"
    norms, everything = found.verdict.effects
    assert (norms.baseline, everything.baseline) == (False, True)
    assert everything.parameters == 6
    assert everything.gain != 0
    # Alone, it is no reason to change the network.
    assert "everything" not in found.verdict.reason


def test_what_falls_behind_is_tried_no_further(adapted):
    found, folder = adapted
    note = next(e.note for e in found.verdict.effects if e.arm == "norm_statistics")
    assert note.startswith("given up after 2 of 4 folds: ")
    assert "norms +" in note
    assert len(list((folder / "trainings").glob("*-norm_statistics-*-1.0.pt"))) == 2
    assert note in (folder / "report.md").read_text()


def test_a_network_is_kept_if_every_candidate_falls_behind_it(tmp_path, monkeypatch):
    def harm(self, arm, *, folds=None):
        return {1.0: [-0.2] * (folds or len(self.folds))}

    monkeypatch.setattr(Trainings, "gains", harm)
    settings = AdaptSettings.of({**SETTINGS.plain(), "candidates": "norms", "steps": 2})
    found = adapt_site(make_site("none"), settings, tmp_path)
    assert found.verdict.chosen is None
    assert "no candidate is left: norms given up after 2 of 4 folds" in found.verdict.sentence
    assert (tmp_path / "report.html").is_file()


class StopError(Exception):
    pass


def test_an_interrupted_run_goes_on_and_finds_the_same(adapted, tmp_path):
    steps = 0

    def count(limit):
        nonlocal steps
        steps += 1
        if steps == limit:
            raise StopError

    with pytest.raises(StopError):
        decide(
            Trainings(
                make_site("inverted"), SETTINGS, folder=tmp_path, after_step=lambda: count(100)
            )
        )
    again = Trainings(make_site("inverted"), SETTINGS, folder=tmp_path, after_step=lambda: count(0))
    total, missing = len(again.units), len(again.missing)
    assert 0 < missing < total
    steps = 0
    found = decide(again)
    # norms: 40 steps and 1 score for each missing fold, and at the end with all cases.
    assert steps <= 41 * missing + 40
    assert found.verdict.plain() == adapted[0].verdict.plain()
    for name, value in adapted[0].adapter.tensors.items():
        assert torch.equal(found.adapter.tensors[name], value)


def test_results_of_other_settings_are_not_taken(tmp_path):
    settings = AdaptSettings.of({**SETTINGS.plain(), "give_up": 0.0})
    decide(Trainings(make_site("none"), settings, folder=tmp_path))
    same = Trainings(make_site("none"), SETTINGS, folder=tmp_path)
    assert not same.missing
    for other in ({"steps": 41}, {"seed": 1}, {"batch_size": 3}):
        changed = AdaptSettings.of({**SETTINGS.plain(), **other})
        assert len(Trainings(make_site("none"), changed, folder=tmp_path).missing) == len(
            same.units
        )
    assert Trainings(make_site("dark"), SETTINGS, folder=tmp_path).missing


def test_a_signal_keeps_what_is_finished(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        Trainings,
        "gains",
        lambda self, arm, folds=None: os.kill(os.getpid(), signal.SIGINT) or self.after_step(),
    )
    with pytest.raises(KeyboardInterrupt):
        adapt_site(make_site("dark"), SETTINGS, tmp_path)
    assert "Ended by SIGINT: finished trainings are kept" in capsys.readouterr().err
    assert list((tmp_path / "trainings").iterdir())
    assert not (tmp_path / "adapter").exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"budget": 0}, "--budget is 0: it must be above 0"),
        ({"steps": 0}, "--steps is 0"),
        ({"candidates": ["norm"]}, "--candidates 'norm': choose from lora, norm_statistics, norms"),
        ({"candidates": ["decoder"]}, "--candidates 'decoder'"),
        ({"compare": ["norms"]}, "--compare 'norms': choose from decoder, everything"),
        ({"candidates": ["norms+norms"]}, "norms"),
        ({"candidates": []}, "is empty"),
    ],
)
def test_wrong_settings_are_named(values, message):
    with pytest.raises(OptionError, match=message):
        AdaptSettings.of(values)
