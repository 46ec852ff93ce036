"""Zips as a user gets them, and a Python that has everything but this package."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
PREFIX = "hippocampus_unet_iac_segmentation"
FORK_SERVER = ROOT / "tests" / "helpers" / "session" / "fork_server.py"


@pytest.fixture(scope="session")
def packing() -> ModuleType:
    return importlib.import_module("iac_components.bundling.rendering.packing")


@pytest.fixture(scope="session")
def command(packing: ModuleType) -> ModuleType:
    """The command's module."""
    return importlib.import_module("tools.maintenance.package")


@pytest.fixture
def pack(
    command: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Return a function that runs the command; it gives the exit status and the errors."""

    def run(*options: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["package_bundles.py", *map(str, options)])
        status: int = command.main()
        return status, capsys.readouterr().err

    return run


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zips of the hippocampus bundles, by the command as it is typed."""
    folder = tmp_path_factory.mktemp("dist")
    names = [f"{PREFIX}_{stage}" for stage in ("search", "train", "inference")]
    tool = ROOT / "tools" / "package_bundles.py"
    words = [sys.executable, tool, "--out", folder, "--bundles", *names]
    subprocess.run([str(word) for word in words], check=True)
    return folder


class EmptyEnvironment:
    """This interpreter and the packages installed here, less ``iac_components`` and this folder.

    No ``.pth`` file is read (``-S``), so that an editable install is as absent as any other.
    """

    def __init__(self, packages: Path, cwd: Path) -> None:
        self.packages = packages
        self.cwd = cwd
        for folder in dict.fromkeys(path for path in sys.path if path.endswith("-packages")):
            for entry in Path(folder).iterdir():
                link = packages / entry.name
                if "iac_components" not in entry.name and not link.exists():
                    link.symlink_to(entry)

    def python(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run Python from a working directory of no concern."""
        arguments = list(map(str, words))
        outputs = [self.packages.with_name(f"{self.packages.name}_{n}.txt") for n in (1, 2)]
        for output in outputs:
            output.unlink(missing_ok=True)
        print(json.dumps([arguments, list(map(str, outputs))]), file=self._server.stdin, flush=True)
        status = int(self._server.stdout.readline())
        output, errors = (path.read_text(encoding="utf-8") for path in outputs)
        return subprocess.CompletedProcess(arguments, status, output, errors)

    @cached_property
    def _server(self) -> subprocess.Popen[str]:
        """A Python of the environment that has imported the libraries once, and forks."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "BUNDLE_"))}
        return subprocess.Popen(
            [sys.executable, "-S", str(FORK_SERVER)],
            cwd=self.cwd,
            env={**kept, "PYTHONPATH": str(self.packages), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """End the server, if there is one."""
        if "_server" in vars(self):
            self._server.communicate()

    def bundle(self, command: str, options: Mapping[str, object]) -> str:
        """Run ``python -m monai.bundle``; returns what it printed."""
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        done = self.python("-m", "monai.bundle", *command.split(), *words)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return done.stdout + done.stderr


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmptyEnvironment]:
    environment = EmptyEnvironment(
        tmp_path_factory.mktemp("packages"), tmp_path_factory.mktemp("elsewhere")
    )
    yield environment
    environment.close()


@pytest.fixture(scope="session")
def downloaded(empty: EmptyEnvironment, dist: Path, tmp_path_factory: pytest.TempPathFactory):
    """A folder with the bundles as ``monai.bundle.download`` leaves them."""
    folder = tmp_path_factory.mktemp("downloaded")
    urls = {path.name.partition("_v")[0]: path.as_uri() for path in sorted(dist.glob("*.zip"))}
    code = (
        "from monai.bundle import download\n"
        f"for name, url in {urls!r}.items():\n"
        f"    download(name, url=url, bundle_dir={str(folder)!r})"
    )
    done = empty.python("-c", code)
    assert done.returncode == 0, done.stderr
    return folder
