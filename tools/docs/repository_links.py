"""Links of the pages that lead out of ``docs``, whose targets become part of the site.

On GitHub the pages link to files beside them, such as a bundle's README or a picture of a search.
The site holds a copy of each such file below ``repository``, pages among them with their own links.
A link to nothing stays as it is: MkDocs reports it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
COPIES = "repository"

_FENCE = re.compile(r"(^```.*?^```)", flags=re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?P<text>!?\[[^\]]*\])\((?P<target>[^)\s#:]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add every file of the repository that a page leads to."""
    pages = [path for file in files.documentation_pages() if (path := file.abs_src_path)]
    waiting = [Path(path) for path in pages]
    while waiting:
        for target in _targets(waiting.pop()):
            uri = _uri(target)
            if uri is None or files.get_file_from_path(uri):
                continue
            files.append(
                File.generated(
                    config,
                    uri,
                    abs_src_path=str(target),
                    inclusion=InclusionLevel.NOT_IN_NAV,
                )
            )
            if target.suffix == ".md":
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let the page's links lead to the copies."""
    source, uri = Path(str(page.file.abs_src_path)), page.file.src_uri

    def rewritten(link: re.Match[str]) -> str:
        target = _resolve(source, link["target"])
        if not target.exists():
            return link[0]
        found = _uri(target)
        if found is None:  # a folder without a page: nothing to lead to
            return link["text"].strip("![]")
        return f"{link['text']}({os.path.relpath(found, Path(uri).parent)}{link['anchor'] or ''})"

    parts = _FENCE.split(markdown)
    parts[::2] = [_LINK.sub(rewritten, part) for part in parts[::2]]
    return "".join(parts)


def _targets(source: Path) -> Iterator[Path]:
    """Yield the targets of a page's links."""
    for part in _FENCE.split(source.read_text(encoding="utf-8"))[::2]:
        for link in _LINK.finditer(part):
            target = _resolve(source, link["target"])
            if target.is_file():
                yield target


def _resolve(source: Path, target: str) -> Path:
    """Return the file of a link's target; for a folder its README, if it has one."""
    path = Path(os.path.normpath(source.parent / target))
    readme = path / "README.md"
    return readme if readme.is_file() else path


def _uri(path: Path) -> str | None:
    """Place in the site of a file of the repository."""
    if not path.is_file() or ROOT not in path.parents:
        return None
    if DOCS in path.parents:
        return path.relative_to(DOCS).as_posix()
    return f"{COPIES}/{path.relative_to(ROOT).as_posix()}"
