"""The one Hypothesis profile of all tests, those of the studies included."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

NAME = "iac_components"


def load_profile() -> None:
    """Register and load it: a busy machine must not fail a test, so no clock judges an example."""
    settings.register_profile(NAME, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile(NAME)
