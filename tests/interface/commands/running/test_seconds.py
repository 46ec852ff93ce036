"""Time that the stages of a run took: in ``run.json`` and on the page."""

from __future__ import annotations

import json

import pytest

from iac_components.interface.running.finished import FinishedStages


@pytest.fixture
def clock(stages, monkeypatch):
    """Let each stage take a minute more than the one before."""
    times = [0.0]
    monkeypatch.setattr("iac_components.interface.running.chain.time.monotonic", lambda: times[0])
    real = type(stages).__call__

    def call(self, stage):
        times[0] += 60.0 * (len(self.ran) + 1)
        real(self, stage)

    monkeypatch.setattr(type(stages), "__call__", call)


def test_minutes_of_every_stage_are_on_the_page(run, clock, tmp_path):
    assert run().status == 0
    seconds = FinishedStages(tmp_path / "out").seconds
    assert list(seconds.values()) == [60.0, 120.0, 180.0, 240.0, 300.0, 360.0]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    _, _, table = page.partition("Minutes")
    assert [table.index(f"{minutes}.0<") for minutes in range(1, 7)] == sorted(
        table.index(f"{minutes}.0<") for minutes in range(1, 7)
    )


def test_what_was_stopped_counts_and_what_is_repeated_does_not(run, stages, clock, tmp_path):
    stages.fails = "search"
    run()
    stages.fails = None
    run("--until", "search")
    out = tmp_path / "out"
    assert FinishedStages(out).seconds == {"backbone": 60.0, "search": 120.0 + 180.0}
    run("--until", "search", "--again", "search")
    assert FinishedStages(out).seconds["search"] == 240.0


def test_a_record_of_before_has_no_times_and_is_continued(run, stages, tmp_path):
    run()
    path = tmp_path / "out" / "run.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["seconds"]
    path.write_text(json.dumps(content), encoding="utf-8")
    stages.ran.clear()
    assert run().status == 0
    assert stages.ran == []


@pytest.mark.parametrize("seconds", [[], {"search": "long"}])
def test_a_damaged_record_is_refused(run, tmp_path, seconds):
    run()
    path = tmp_path / "out" / "run.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "seconds": seconds}), encoding="utf-8")
    ended = run()
    assert ended.status == 2
    assert "is not a record of finished stages" in ended.err
