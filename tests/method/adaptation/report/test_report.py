"""The page of an adaptation: complete in itself, the same as Markdown, shown by a browser."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from threshold_site import make_site

from iac_components.adaptation import AdaptSettings
from iac_components.adaptation.session import adapt_site
from iac_components.common.pages.blocks import (
    Heading,
    Items,
    Paragraph,
    Table,
    to_html,
    to_markdown,
)

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("report")
    settings = AdaptSettings(candidates=("norms", "cells"), budget=1.0, steps=60, rate=10.0)
    adapt_site(make_site("inverted"), settings, path)
    return path


def test_the_page_needs_no_other_file(folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r'(?:src|href|url)\s*[=(]\s*["\']?([^"\')>\s]{1,40})', text)
    assert len(sources) == 2
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "http" not in re.sub(r"base64,[^\"]+", "", text)
    assert "<script" not in text


def test_html_and_markdown_say_the_same(folder):
    page = (folder / "report.html").read_text(encoding="utf-8")
    text = (folder / "report.md").read_text(encoding="utf-8")
    cells = {
        c.strip() for line in text.splitlines() if line.startswith("| ") for c in line.split("|")
    }
    plain = re.sub(r"<[^>]+>", "\n", page)
    assert {cell for cell in cells if cell and "---" not in cell} <= set(plain.splitlines())
    assert re.findall(r"^## (.*)", text, re.MULTILINE) == re.findall(r"<h2>(.*?)</h2>", page)
    for name in re.findall(r"\]\((report_\w+\.png)\)", text):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_the_page_holds_what_is_promised(folder):
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "**Use norms: it gains" in text
    for case in range(4):
        assert f"| case_{case} |" in text
    assert re.search(
        r"\| disc \| 0\.\d+ \| 0\.\d+ \| \+0\.\d+ \| [+-]\d\.\d+ to \+\d\.\d+ \|", text
    )
    assert "norms, 2 values, in norm" in text
    assert "| cells |  | cells: no skip connection" in text
    assert re.search(r"times as long \| 1.00 \| \d+\.\d\d", text)
    assert "worst case after the adaptation" in text
    assert "median case after the adaptation" in text


def test_text_cannot_become_markup():
    blocks = [Heading("a <b>", 1), Paragraph("<script>x</script>"), Items(["<i>"])]
    page = to_html([*blocks, Table(["<u>"], [["a|b"]])])
    for mark in ("<b>", "<script>", "<i>", "<u>"):
        assert mark not in page
    assert "a\\|b" in to_markdown([Table(["x"], [["a|b"]])])


def test_a_browser_shows_the_page(folder, tmp_path):
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    options = ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}")
    script = "--virtual-time-budget=5000"
    done = subprocess.run(
        [browser, *options, script, "--dump-dom", (folder / "report.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-1000:]
    assert "<h2>Candidates</h2>" in done.stdout
    picture = tmp_path / "page.png"
    subprocess.run(
        [
            browser,
            *options,
            "--window-size=1000,2400",
            f"--screenshot={picture}",
            (folder / "report.html").as_uri(),
        ],
        capture_output=True,
        timeout=200,
        check=True,
    )
    from PIL import Image

    # Pictures of the cases are there: the page is no white sheet with text alone.
    colours = Image.open(picture).convert("RGB").getcolors(maxcolors=2**24)
    assert sum(count for count, (r, g, b) in colours if r == g == b and 20 < r < 200) > 5000
