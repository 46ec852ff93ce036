"""Two ways to run a bundle from another working directory: in this process, or as a command."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from monai.bundle import ConfigWorkflow

__all__ = ["CommandLine", "Runner", "ThisProcess", "working_directory"]


class Runner(Protocol):
    """Runs a bundle; raises if the run fails."""

    def run(self, configs: Sequence[Path], options: Mapping[str, object], cwd: Path) -> None:
        """Run the configs, merged, with these options from the working directory ``cwd``."""
        ...


@contextlib.contextmanager
def working_directory(folder: Path) -> Iterator[None]:
    """Run the block from another working directory."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


class ThisProcess:
    """As ``python -m monai.bundle run`` does it, without the bundle's logging."""

    def run(self, configs: Sequence[Path], options: Mapping[str, object], cwd: Path) -> None:
        """See :class:`Runner`; what the run prints is dropped."""
        silence = io.StringIO()
        with (
            working_directory(cwd),
            contextlib.redirect_stdout(silence),
            contextlib.redirect_stderr(silence),
        ):
            workflow = ConfigWorkflow(
                [str(config) for config in configs], logging_file=False, **options
            )
            workflow.initialize()
            workflow.run()
            workflow.finalize()


class CommandLine:
    """``python -m monai.bundle run`` itself."""

    def run(self, configs: Sequence[Path], options: Mapping[str, object], cwd: Path) -> None:
        """See :class:`Runner`; a failure gives the last line that the command printed."""
        words = ["--config_file", str([str(config) for config in configs])]
        for name, value in options.items():
            words += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "monai.bundle", "run", *words],
            cwd=cwd,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line and line[0] != "("]
            raise RuntimeError(f"exit status {done.returncode}: {lines[-1] if lines else ''}")
