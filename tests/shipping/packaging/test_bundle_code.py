"""Imports that failed before the bundle's folder was on the path work after it."""

from __future__ import annotations

import sys

import pytest
from monai.bundle import ConfigParser

import iac_components
from iac_components.common.console.bundle_code import reload_bundle_imports

CALL = "$pkgutil.resolve_name('iac_components.bundle_code:evaluate_again')()"
CONFIG = {
    "imports": ["$import sys", "$import pkgutil", "$from late_code import answer"],
    "root": None,
    "bundle_code": CALL.replace("$", "$sys.path.insert(1, @root) or "),
    "early": "$answer()",
    "late": "$(@bundle_code, answer())[1]",
}


@pytest.fixture
def config(tmp_path, monkeypatch):
    (tmp_path / "late_code.py").write_text("def answer():\n    return 42\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield {**CONFIG, "root": str(tmp_path)}
    sys.modules.pop("late_code", None)


def test_what_failed_is_imported(config):
    assert ConfigParser(config).get_parsed_content("late") == 42


def test_without_it_the_import_stays_failed(config):
    with pytest.raises(RuntimeError, match="Failed to evaluate"):
        ConfigParser(config).get_parsed_content("early")


@pytest.mark.parametrize(
    "made_with", [iac_components.__version__, None, "0.0.1"], ids=["same", "none", "other"]
)
def test_another_version_is_warned_about(made_with, recwarn):
    config = {"imports": ["$import pkgutil"], "bundle_code": CALL}
    if made_with:
        config["_meta_"] = {"version": made_with}
    ConfigParser(config).get_parsed_content("bundle_code")
    warned = [str(w.message) for w in recwarn if "made with iac_components" in str(w.message)]
    assert bool(warned) == (made_with == "0.0.1")
    assert all("0.0.1" in text and iac_components.__version__ in text for text in warned)


def test_outside_a_config_it_says_so():
    with pytest.raises(RuntimeError, match="called by a bundle's config"):
        reload_bundle_imports()
