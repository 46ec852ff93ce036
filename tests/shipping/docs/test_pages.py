"""README and pages: short, and every link, path and command in them exists."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest
import yaml

import iac_components
from iac_components.interface.program import COMMANDS, add_command

ROOT = Path(__file__).parents[3]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
HISTORY = ("CHANGELOG.md",)
LINK = re.compile(r"\]\((?!\w+:)([^)\s#]*)(#[^)\s]*)?\)")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ +(.*)$", without_code(path.read_text("utf-8")), flags=re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def shell_lines(text: str) -> list[str]:
    blocks = re.findall(r"^```(?:bash|sh)?\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(blocks).replace("\\\n", " ").splitlines()


def iac_lines(text: str) -> list[str]:
    lines = [line.strip() for line in shell_lines(text) if line.startswith("iac ")]
    return [re.sub(r"<[^>]+>", "FILE", line) for line in lines]


def test_readme_fits_a_screen():
    assert len(README.read_text(encoding="utf-8").split()) <= 600


@pytest.mark.parametrize(
    "page", [README, ROOT / "bundles" / "README.md", *PAGES], ids=lambda page: page.name
)
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(without_code(page.read_text(encoding="utf-8"))):
        path = page if not target else page.parent / target
        assert path.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(path), f"{page.name}: {target}{anchor}"


def test_readme_leads_to_every_page():
    """In at most two steps: by the start page."""
    linked = set()
    for page in (README, DOCS / "index.md", DOCS / "api" / "index.md"):
        for target, _ in LINK.findall(page.read_text(encoding="utf-8")):
            linked.add((page.parent / target).resolve())
    assert not set(PAGES) - linked


@pytest.mark.parametrize(
    "page", [README, *(p for p in PAGES if p.name not in HISTORY)], ids=lambda page: page.name
)
def test_paths_in_commands_exist(page):
    text = page.read_text(encoding="utf-8")
    lines = shell_lines(text)
    values = dict(re.findall(r"\b([A-Z])=([^\s;\"]+)", "\n".join(lines)))
    for line in lines:
        filled = re.sub(r"\$\{?([A-Z])\}?", lambda name: values.get(name[1], name[0]), line)
        for path in re.findall(r"(?<![\w/])(?:tools|bundles|examples)/[\w./]+", filled):
            assert list(ROOT.glob(f"{path}*")), f"{page.name}: {path}"


@pytest.mark.parametrize(
    "line",
    sorted({line for page in [README, *PAGES] for line in iac_lines(page.read_text("utf-8"))}),
)
def test_iac_commands_are_known(line):
    _, name, *words = shlex.split(line, comments=True)
    assert name in COMMANDS
    add_command(name).parse_args(words)


def test_the_readme_is_what_the_page_on_python_runs():
    """The ten lines, which that page's test runs with fewer steps."""
    readme, page = (
        ast.parse("\n".join(re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), re.DOTALL)))
        for path in (README, DOCS / "python.md")
    )
    assert len(readme.body) == 10
    assert all(isinstance(node, ast.Import | ast.ImportFrom) for node in readme.body[:2])
    for node in ast.walk(page):
        if isinstance(node, ast.Call):
            node.keywords = [k for k in node.keywords if k.arg not in (None, "warmup_epochs")]
    run = [ast.unparse(node).removeprefix("result = ") for node in page.body]
    assert [ast.unparse(node) for node in readme.body if ast.unparse(node) not in run] == []


def test_versions_are_those_of_the_package_and_of_the_requirements():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == iac_components.__version__
    urls = [reference["url"].rpartition("/")[2] for reference in citation["references"]]
    assert urls == ["2405.03420", "2604.14849"]
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    ruff, local = hooks["repos"]
    pinned = (
        (ROOT / "tools" / "environment" / "requirements-dev.txt")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    assert f"ruff=={ruff['rev'].removeprefix('v')}" in pinned
    for hook in local["hooks"]:
        _, *words = shlex.split(hook["entry"])
        assert all((ROOT / word).exists() for word in words if word.endswith(".py"))
