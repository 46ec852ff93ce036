"""Plans of candidates: within the bounds of size and of time at inference."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from monai.inferers import SimpleInferer
from monai.networks.nets import BasicUNet
from threshold_site import make_case

from iac_components.adaptation import AdaptSettings
from iac_components.adaptation.choice.planning import plan_arms
from iac_components.adaptation.choice.trainings import Trainings
from iac_components.adaptation.fitting.cases import WindowShape
from iac_components.adaptation.site import Site
from iac_components.bundling.options import OptionError
from iac_components.networks import skip_fusions

A_PLACE = 0.1
"""Time of a cell or gate, over that of the network."""


def small_site():
    torch.manual_seed(0)
    network = BasicUNet(2, 1, 2, (8, 8, 8, 8, 8, 8), norm="batch").eval()
    cases = [make_case(number) for number in range(3)]
    return Site(network, cases, ("disc",), SimpleInferer(), WindowShape((32, 32)))


@pytest.fixture
def site(monkeypatch):
    def cost(network, adapted, shape):
        with_modules = [
            name
            for fusion in skip_fusions(adapted)
            for name in fusion.places
            if any(True for _ in fusion.get_submodule(name).parameters())
        ]
        return SimpleNamespace(ratio=1 + A_PLACE * len(with_modules))

    monkeypatch.setattr("iac_components.adaptation.choice.planning.measure_cost", cost)
    return small_site()


def planned(site, **options):
    return plan_arms(site, AdaptSettings(**{"budget": 1.0, **options}))


def test_without_a_bound_on_the_time_every_skip_connection_gets_a_cell(site):
    plans, _ = planned(site, candidates=("norms", "cells"), max_cost=10)
    assert plans["cells"].places == 4
    assert plans["cells"].ratio == pytest.approx(1.4)
    assert plans["norms"].ratio == 1


@pytest.mark.parametrize(("bound", "places"), [(1.1, 1), (1.15, 1), (1.21, 2), (1.3, 3)])
def test_cells_are_put_where_the_time_allows_it_finest_first(site, bound, places):
    whole, _ = planned(site, candidates=("cells",), max_cost=10)
    plans, _ = planned(site, candidates=("cells",), max_cost=bound)
    (part,), (all_places,) = plans["cells"].parts, whole["cells"].parts
    assert part.sites == all_places.sites[:places]
    assert plans["cells"].parameters < whole["cells"].parameters
    assert plans["cells"].ratio == pytest.approx(1 + A_PLACE * places)


def test_several_parts_share_the_time(site):
    plans, _ = planned(site, candidates=("norms+cells",), max_cost=1.21)
    norms, cells = plans["norms+cells"].parts
    assert len(norms.sites) > 2
    assert len(cells.sites) == 2


def test_what_takes_too_long_in_one_place_is_left_out_with_the_reason(site):
    plans, notes = planned(site, candidates=("norms", "gates", "cells"), max_cost=1.05)
    assert list(plans) == ["norms"]
    assert notes["cells"] == (
        "even in one place, inference takes 1.10 times as long, and --max_cost allows 1.05"
    )


def test_results_of_other_places_are_not_taken(site, tmp_path):
    """A time that is measured again may allow one place more or less."""
    name = ("cells", 0, 0)
    options = {"candidates": ("cells",), "budget": 1.0, "steps": 1}
    for bound in (1.21, 1.3):
        made = Trainings(site, AdaptSettings(max_cost=bound, **options), folder=tmp_path)
        assert name in made.missing
        made.unit(name)
    again = Trainings(site, AdaptSettings(max_cost=1.21, **options), folder=tmp_path)
    assert name not in again.missing


def test_the_bound_must_leave_the_network_its_time():
    with pytest.raises(OptionError, match=r"--max_cost is 0\.9: it must be at least 1"):
        AdaptSettings(max_cost=0.9)


def test_what_changes_weights_alone_is_not_timed(monkeypatch):
    def fail(*_):
        raise AssertionError("it was timed")

    monkeypatch.setattr("iac_components.adaptation.choice.planning.measure_cost", fail)
    settings = AdaptSettings(candidates=("norms", "lora"), compare=("decoder",), budget=1.0)
    plans, _ = plan_arms(small_site(), settings)
    assert [plan.ratio for plan in plans.values()] == [1, 1, 1]
