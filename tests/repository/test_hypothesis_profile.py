"""No property test is judged by a clock."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parents[1]
FOLDERS = (TESTS, TESTS.parent / "studies" / "tests")


def test_the_profile_of_all_tests_has_no_clock():
    assert settings.get_current_profile_name() == "iac_components"
    assert settings.default.deadline is None
    assert HealthCheck.too_slow in settings.default.suppress_health_check


def clocks(path: Path) -> Iterator[str]:
    """Calls that would bring the clock back: a deadline, a profile, a list of health checks."""
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call):
            continue
        name = ast.unparse(call.func)
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        if name.endswith(("settings.register_profile", "settings.load_profile")):
            if path != TESTS / "helpers" / "session" / "hypothesis_profile.py":
                yield f"{path}:{call.lineno}: {name}"
        elif name in ("settings", "hypothesis.settings"):
            checks = keywords.get("suppress_health_check", "too_slow")
            if "deadline" in keywords or "too_slow" not in checks:
                yield f"{path}:{call.lineno}: {ast.unparse(call)}"


def test_no_test_overrides_it():
    assert [
        clock
        for folder in FOLDERS
        for path in sorted(folder.rglob("*.py"))
        for clock in clocks(path)
    ] == []


def test_overrides_would_be_seen(tmp_path):
    path = tmp_path / "test_x.py"
    path.write_text(
        "settings.load_profile('x')\n@settings(deadline=9)\ndef f(): ...\n"
        "@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow])\ndef g(): ...\n"
        "@settings(suppress_health_check=[])\ndef h(): ...\n"
    )
    assert [found.split(":")[1] for found in clocks(path)] == ["1", "2", "6"]
