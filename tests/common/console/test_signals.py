"""Signals of a command and of a program around a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from iac_components.common.console.signals import signals_noted

COMMAND = """
import os, signal, sys, time
from iac_components.common.console.signals import end_command_on_signals, signals_noted
end_command_on_signals()
def wait():
    print("waiting", flush=True)
    for _ in range(600):
        time.sleep(0.1)
"""
PLACES = {
    "before": "wait()",
    "during": """
with signals_noted("after the run.") as noted:
    print("waiting", flush=True)
    while not noted:
        time.sleep(0.01)
    print("step done", flush=True)
""",
    "after": """
with signals_noted("after the run."):
    pass
wait()
""",
    "twice": """
with signals_noted("after the run.") as noted:
    print("waiting", flush=True)
    while not noted:
        time.sleep(0.01)
    os.kill(os.getpid(), int(sys.argv[1]))
    time.sleep(60)
""",
}


def ended(code, number, *, prelude="", **environment):
    process = subprocess.Popen(
        [sys.executable, "-c", prelude + COMMAND + code, str(int(number))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    return process.returncode, out, errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("before", "before the first step"),
        ("during", None),
        ("after", "after the run."),
        ("twice", "at once by a second signal"),
    ],
)
def test_command_ends_with_one_line_and_the_usual_status(place, said, number):
    status, out, errors = ended(PLACES[place], number)
    assert status == 128 + number
    assert "Traceback" not in errors
    lines = [line for line in errors.splitlines() if line]
    assert len(lines) == (0 if said is None else 1)
    if said is not None:
        assert said in lines[0]
        assert number.name in lines[0]
    assert ("step done" in out) == (place == "during")


def test_second_signal_to_a_rank_is_the_agent_s():
    """Ctrl-C reaches ranks twice: from the terminal, and from torchrun that got it as well."""
    step = PLACES["twice"].replace("time.sleep(60)", 'print("step done")')
    status, out, errors = ended(step, signal.SIGINT, TORCHELASTIC_RUN_ID="1")
    assert (status, errors) == (130, "")
    assert "step done" in out


def test_ignored_signal_stays_ignored():
    """As under nohup, or in the background of a script."""
    wait = "print('waiting', flush=True); sys.stdin.read(); print(7)"
    ignore = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    status, out, _ = ended(wait, signal.SIGINT, prelude=ignore)
    assert (status, out) == (0, "7\n")


def listen(*numbers):
    with signals_noted("") as noted:
        for number in numbers:
            signal.raise_signal(number)
            assert noted.number == numbers[0]


def test_program_around_a_run_gets_the_signal():
    got = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: got.append(number))
    try:
        with pytest.raises(SystemExit):
            listen(signal.SIGTERM)
        assert got == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_second_signal_goes_to_the_program():
    with pytest.raises(KeyboardInterrupt):
        listen(signal.SIGINT, signal.SIGINT, signal.SIGINT)


def test_workers_leave_the_interrupt_to_their_parent():
    """A forked worker inherits the handlers."""
    with signals_noted(""):
        child = os.fork()
        if child == 0:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
