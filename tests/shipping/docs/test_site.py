"""The documentation builds, and a warning would be an error."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import iac_components

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "tools" / "docs" / "mkdocs.yml"
BUILD = (sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file")

DEEPER = {"options"}
"""Packages with a page that lie deeper."""

needs_mkdocs = pytest.mark.skipif(
    find_spec("mkdocs") is None or find_spec("mkdocstrings_handlers") is None,
    reason="mkdocs is not installed: pip install -r tools/environment/requirements-docs.txt",
)


@needs_mkdocs
def test_site_builds_and_shows_every_public_name(tmp_path):
    done = subprocess.run(
        [*BUILD, str(CONFIG), "--site-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "api" / "python.html").read_text(encoding="utf-8")
    for name in iac_components.__all__:
        assert name == "__version__" or f'id="iac_components.{name}"' in page
    assert ":class:" not in page
    pictures = re.findall(r'<img [^>]*src="([^":]+)"', (tmp_path / "index.html").read_text("utf-8"))
    assert pictures
    assert all((tmp_path / path).is_file() for path in pictures)


def test_every_package_with_public_names_has_a_page():
    packages = [
        path.parent.name
        for path in (ROOT / "iac_components").glob("*/__init__.py")
        if "__all__" in path.read_text(encoding="utf-8")
    ]
    documented = {path.stem for path in (ROOT / "docs" / "api").rglob("*.md")}
    assert documented == {*packages, *DEEPER, "index", "python"}
