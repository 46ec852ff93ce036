"""Sizes that no machine's memory holds are refused before anything is built."""

from __future__ import annotations

import pytest

from iac_components.bundling.options.consistency.limits import beyond_memory

GIGABYTES = {
    ("search", "iac", "patch_size"): ([16384, 16384], {"field_of_view": [-1, -1, -1]}),
    ("train", "iac", "patch_size"): ([16384, 16384], {"field_of_view": [-1, -1, -1]}),
    ("train", "iac", "field_of_view"): ([16384, 16384, 16], {}),
    ("inference", "iac", "patch_size"): ([16384, 16384], {}),
    ("search", "dints", "patch_size"): ([2048, 2048, 2048], {}),
    ("train", "dints", "patch_size"): ([512, 512, 512], {}),
    ("inference", "dints", "patch_size"): ([2048, 2048, 2048], {}),
    ("train", "iac", "batch_size"): (4096, {"patch_size": [1024, 1024], "field_of_view": [-1] * 3}),
    ("train", "dints", "batch_size"): (4096, {"patch_size": [96, 96, 96]}),
}


@pytest.fixture
def small(monkeypatch):
    """A machine of two gigabytes."""
    monkeypatch.setattr(
        "iac_components.bundling.options.consistency.limits.device_memory", lambda _: 2 * 10**9
    )


@pytest.mark.parametrize(("stage", "method", "name"), GIGABYTES, ids=str)
def test_more_than_this_machine_has(refusal, small, stage, method, name):
    value, others = GIGABYTES[(stage, method, name)]
    message = refusal(stage, {name: value, **others}, method=method)
    assert message is not None
    assert message.startswith(f"--{name} is {value!r}: this takes more than ")
    assert message.endswith("and this machine has 2 GB. Lower it.")


@pytest.mark.parametrize("stage", ["search", "train", "inference"])
@pytest.mark.parametrize("method", ["iac", "dints"])
def test_the_defaults_fit_a_small_machine(refusal, small, stage, method):
    assert refusal(stage, {}, method=method) is None


def test_a_machine_that_does_not_say(monkeypatch):
    monkeypatch.setattr(
        "iac_components.bundling.options.consistency.limits.device_memory", lambda _: None
    )
    assert list(beyond_memory({"patch_size": [10**9] * 3})) == []
