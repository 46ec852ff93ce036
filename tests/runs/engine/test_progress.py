"""The bar shows epoch, loss and extras, starts where the run starts, and lets errors through."""

from __future__ import annotations

import pytest
from ignite.engine import Events

from iac_components.common import progress_bars as console_bars
from iac_components.engine import ResumableCheckpoint, RunProgress


@pytest.fixture
def bars(monkeypatch):
    """The bars that were made; they redraw at every step."""
    made = []

    class Bar(console_bars.tqdm):
        def __init__(self, **options):
            super().__init__(**{**options, "mininterval": 0, "miniters": 1})
            made.append(self)

    monkeypatch.setattr(console_bars, "tqdm", Bar)
    return made


def test_shows_epoch_loss_and_extras(make_trainer, capsys, bars):
    asked = []

    def describe():
        asked.append(1)
        return {"ops": "7/15"}

    make_trainer([RunProgress(describe)], epochs=2).run()
    shown = capsys.readouterr().err
    assert "epoch 2/2" in shown
    assert "loss=" in shown
    assert "ops=7/15" in shown
    assert "8/8" in shown
    (bar,) = bars
    assert bar.disable  # closed
    assert len(asked) <= 3


def test_a_log_has_lines_a_minute_apart_and_the_end(make_trainer, capsys):
    make_trainer([RunProgress()], epochs=2).run()
    shown = capsys.readouterr().err
    assert "\r" not in shown
    lines = [line for line in shown.splitlines() if "/8 [" in line]
    assert len(lines) == 2
    assert "0/8" in lines[0]
    assert lines[1].startswith("epoch 2/2: 100% 8/8")
    assert "loss=" in lines[1]


def test_a_log_has_a_line_whenever_one_is_due(make_trainer, capsys, monkeypatch):
    monkeypatch.setattr(console_bars, "LINE_SECONDS", 0.0)
    make_trainer([RunProgress()], epochs=1).run()
    shown = capsys.readouterr().err
    assert [f"{step}/4 [" in shown for step in range(5)] == [True] * 5


def test_a_terminal_has_one_line_that_is_drawn_anew(make_trainer, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    make_trainer([RunProgress()], epochs=1).run()
    shown = capsys.readouterr().err
    assert "\repoch 1/1: 100%|" in shown


def test_needs_nothing_to_describe(make_trainer, capsys):
    make_trainer([RunProgress()], epochs=1).run()
    assert "epoch 1/1" in capsys.readouterr().err


@pytest.mark.parametrize("event", [Events.STARTED, Events.EPOCH_STARTED, Events.ITERATION_STARTED])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_errors_pass_and_the_bar_is_closed(make_trainer, bars, event, error):
    trainer = make_trainer([RunProgress()])

    @trainer.on(event)
    def fail(engine):
        raise error("stop")

    with pytest.raises(error, match="stop"):
        trainer.run()
    assert all(bar.disable for bar in bars)


def test_resumed_run_starts_where_it_was(make_trainer, tmp_path, bars):
    """The checkpoint is attached last, so its epoch is not known when the run starts."""
    for epochs in (2, 3):
        trainer = make_trainer([RunProgress()], epochs=epochs)
        ResumableCheckpoint(tmp_path, {"network": trainer.network}, resume=True).attach(trainer)
        trainer.run()
    assert [(bar.initial, bar.n, bar.total) for bar in bars] == [(0, 8, 8), (8, 12, 12)]


def test_run_that_has_nothing_left_shows_nothing(make_trainer, tmp_path, bars):
    for _ in range(2):
        trainer = make_trainer([RunProgress()], epochs=1)
        ResumableCheckpoint(tmp_path, {"network": trainer.network}, resume=True).attach(trainer)
        trainer.run()
    assert len(bars) == 1
