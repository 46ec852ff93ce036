"""Blocks of a page, written once and rendered as HTML or as Markdown."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass

from iac_components.common.pages.markdown_table import markdown_table

__all__ = ["Block", "Heading", "Items", "Paragraph", "Picture", "Table", "to_html", "to_markdown"]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; font-size: 0.9rem; display: block; overflow-x: auto; }
th, td { border-bottom: 1px solid #ddd; padding: 0.3rem 0.7rem; text-align: right; }
th:first-child, td:first-child { text-align: left; }
.strong { font-size: 1.15rem; border-left: 4px solid #0072b2; padding: 0.5rem 1rem;
          background: #f3f7fa; }
img { max-width: 100%; } figure { margin: 1rem 0; } figcaption { font-size: 0.9rem; color: #555; }
"""


@dataclass(frozen=True)
class Heading:
    """A heading of a section; level 1 is the page's title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; a strong one stands out."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Items:
    """A list."""

    items: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A table whose first columns are words."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1


@dataclass(frozen=True)
class Picture:
    """A PNG with its caption, and the name of its file beside the Markdown."""

    png: bytes
    caption: str
    file: str


Block = Heading | Paragraph | Items | Table | Picture


def to_html(blocks: Sequence[Block]) -> str:
    """Return a page that needs no other file: pictures are data URIs, the style is inside."""
    title = next(block.text for block in blocks if isinstance(block, Heading))
    body = "\n".join(_html(block) for block in blocks)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def to_markdown(blocks: Sequence[Block]) -> str:
    """Return the same page as Markdown; pictures are files beside it."""
    return "\n".join(_markdown(block) for block in blocks)


def _html(block: Block) -> str:
    escape = html.escape
    if isinstance(block, Heading):
        return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        mark = ' class="strong"' if block.strong else ""
        return f"<p{mark}>{escape(block.text)}</p>"
    if isinstance(block, Items):
        return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in block.items) + "</ul>"
    if isinstance(block, Table):
        head = "".join(f"<th>{escape(cell)}</th>" for cell in block.header)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n"
            for row in block.rows
        )
        return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>"
    data = base64.b64encode(block.png).decode("ascii")
    caption = escape(block.caption)
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}\n"
    if isinstance(block, Paragraph):
        return f"**{block.text}**\n" if block.strong else f"{block.text}\n"
    if isinstance(block, Items):
        return "".join(f"- {item}\n" for item in block.items)
    if isinstance(block, Table):
        return markdown_table(block.header, block.rows, words=block.words)
    return f"![{block.caption}]({block.file})\n"
