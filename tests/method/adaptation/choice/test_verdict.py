"""Verdicts: the time at inference counts, and what the network's own domain may lose."""

from __future__ import annotations

import pytest

from iac_components.adaptation import AdaptSettings
from iac_components.adaptation.choice.planning import ArmPlan
from iac_components.adaptation.choice.verdict import judge_arms

SMALL, LARGE = ArmPlan((), 1.0), ArmPlan((), 1.14)


def judged(gains, plans, source_gains=None, **options):
    settings = AdaptSettings(candidates=tuple(gains), **options)
    return judge_arms(
        gains, plans=plans, notes={}, tried=len(gains), settings=settings, source_gains=source_gains
    )


def spread(mean, width, patients=5):
    """Gains around a mean."""
    half = patients // 2
    return [mean + width * (index - half) / half for index in range(patients)]


@pytest.mark.parametrize(("ahead", "chosen"), [(0.008, "norms"), (0.02, "cells")])
def test_a_slower_candidate_must_be_ahead_by_more_than_the_tolerance(ahead, chosen):
    """Patients differ too much for a proof that both are equal, or that one is better."""
    gains = {
        "norms": {1.0: spread(0.15, 0.05)},
        "cells": {1.0: spread(0.15 + ahead, -0.05)},
    }
    found = judged(gains, {"norms": SMALL, "cells": LARGE})
    assert found.chosen == chosen
    equally_fast = judged(gains, {"norms": SMALL, "cells": SMALL})
    assert equally_fast.chosen == "cells"


def test_times_that_hardly_differ_decide_nothing():
    gains = {"norms": {1.0: spread(0.15, 0.05)}, "cells": {1.0: spread(0.155, -0.05)}}
    found = judged(gains, {"norms": ArmPlan((), 1.01), "cells": ArmPlan((), 1.02)})
    assert found.chosen == "cells"


def test_the_effects_say_what_each_takes():
    gains = {"norms": {1.0: spread(0.15, 0.05)}, "cells": {1.0: spread(0.16, 0.05)}}
    found = judged(gains, {"norms": SMALL, "cells": LARGE})
    assert [effect["ratio"] for effect in found.plain()["effects"]] == [1.0, 1.14]


GAINS = {"norms": {0.5: spread(0.15, 0.02), 1.0: spread(0.3, 0.02)}}


def test_a_weaker_adapter_is_used_where_the_stronger_one_harms_the_own_domain():
    harm = {"norms": {0.5: [-0.001, 0.0, 0.001], 1.0: [-0.3, -0.31, -0.29]}}
    found = judged(GAINS, {"norms": SMALL}, harm)
    assert (found.chosen, found.effect.strength) == ("norms", 0.5)
    assert found.effect.source[0] == pytest.approx(0)
    assert found.effect.proved == (0.5, 1.0)
    assert judged(GAINS, {"norms": SMALL}).effect.strength == 1


def test_what_harms_at_every_strength_is_not_used():
    harm = {"norms": {0.5: [-0.1, -0.11, -0.09], 1.0: [-0.3, -0.31, -0.29]}}
    found = judged(GAINS, {"norms": SMALL}, harm)
    assert found.chosen is None
    assert "own domain" in found.reason


def test_beyond_a_strength_that_may_do_harm_nothing_is_believed_harmless():
    harm = {"norms": {0.5: [-0.1, -0.11, -0.09], 1.0: [0.1, 0.1, 0.1]}}
    assert judged(GAINS, {"norms": SMALL}, harm).chosen is None
