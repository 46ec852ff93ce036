"""A stage's process: printed first, its status kept, signals handed on once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iac_components.interface.running.errors import StageError
from iac_components.interface.running.process import run_stage
from iac_components.interface.running.stages import Stage

ROOT = Path(__file__).parents[4]


class Script(Stage):
    """A stage that is a few lines of Python."""

    def words(self) -> list[str]:
        return ["-c", str(self.options["code"])]


def script(code: str) -> Stage:
    return Script("search", "search", (Path("search.json"),), {"code": code}, Path("x"))


def test_the_command_is_printed_before_it_runs(capfd):
    run_stage(script("print('it runs')"))
    out = capfd.readouterr().out
    assert out.index("monai.bundle run") < out.index("it runs")


def test_a_failure_has_the_status_of_the_stage(capfd):
    with pytest.raises(StageError, match="'search' ended with exit status 7") as caught:
        run_stage(script("import sys; sys.exit(7)"))
    assert caught.value.status == 7


def test_a_killed_stage_has_the_shell_s_status():
    with pytest.raises(StageError) as caught:
        run_stage(script("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    assert caught.value.status == 128 + signal.SIGKILL


COUNTS = """
import signal, sys, time
heard = []
signal.signal(signal.SIGINT, lambda *_: heard.append(1))
print("ready", flush=True)
while not heard:
    time.sleep(0.01)
time.sleep(0.5)
sys.exit(130 if len(heard) == 1 else 99)
"""

PARENT = """
import sys
from pathlib import Path
sys.path[:0] = [{root!r}, {here!r}]
from test_process import script
from iac_components.interface.running.errors import StageError
from iac_components.interface.running.process import run_stage
try:
    run_stage(script({code!r}))
except StageError as error:
    sys.exit(error.status)
"""


@pytest.mark.parametrize("whole_group", [False, True], ids=["kill", "terminal"])
def test_ctrl_c_reaches_the_stage_once_and_it_ends_in_its_own_way(whole_group):
    code = PARENT.format(root=str(ROOT), here=str(Path(__file__).parent), code=COUNTS)
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    while process.stdout.readline().strip() != "ready":
        assert process.poll() is None
    time.sleep(0.05)
    if whole_group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    process.stdout.close()


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT)
    run_stage(script("pass"))
    assert signal.getsignal(signal.SIGINT) is before
