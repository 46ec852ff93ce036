"""Progress of loops on a terminal and in a log."""

from __future__ import annotations

import pytest

from iac_components.common import progress_bars as bars
from iac_components.common.progress_bars import progress_over


def test_a_terminal_shows_every_loop(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(progress_over([1, 2, 3], desc="Reading")) == [1, 2, 3]
    shown = capsys.readouterr().err
    assert "\rReading: 100%|" in shown
    assert "3/3" in shown


def test_a_log_shows_long_loops_alone(capsys, monkeypatch):
    assert list(progress_over([1, 2], desc="Reading")) == [1, 2]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(bars, "LINE_SECONDS", 0.0)
    assert list(progress_over([1, 2], desc="Reading")) == [1, 2]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 2
    assert lines[-1].startswith("Reading: 100% 2/2")


@pytest.mark.parametrize("terminal", [False, True])
def test_what_is_switched_off_shows_nothing(capsys, monkeypatch, terminal):
    monkeypatch.setattr(bars, "LINE_SECONDS", 0.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    assert list(progress_over([1, 2], desc="Reading", disable=True)) == [1, 2]
    assert capsys.readouterr().err == ""
