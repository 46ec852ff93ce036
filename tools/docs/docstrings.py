"""Conversion of docstrings, written for readers of the source, to the site's Markdown."""

from __future__ import annotations

import re

from griffe import Alias, Extension, GriffeLoader, Module, NameResolutionError, Object

_ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`~?([\w.]+)`")
_EXAMPLE = re.compile(r"^( *)Example:$", flags=re.MULTILINE)


class Docstrings(Extension):
    """Make links of names marked as in Sphinx, ``:class:`Name```, and code of examples."""

    def on_package(self, *, pkg: Module, loader: GriffeLoader, **kwargs: object) -> None:
        """Walk the package once it is loaded, when names can be resolved."""
        _rewrite(pkg)


def _rewrite(item: Object | Alias) -> None:
    if isinstance(item, Alias):
        return
    if item.docstring is not None:
        text = _ROLE.sub(lambda role: _link(item, role[1]), item.docstring.value)
        # Griffe takes the plural alone for a section of doctests.
        item.docstring.value = _EXAMPLE.sub(r"\1Examples:", text)
    for member in item.members.values():
        _rewrite(member)


def _link(item: Object, name: str) -> str:
    """Format a name as code, and as a link if the site has a page of it."""
    first, dot, rest = name.partition(".")
    try:
        path = f"{item.resolve(first)}{dot}{rest}"
    except NameResolutionError:
        path = name
    return f'<autoref identifier="{path}" optional><code>{name}</code></autoref>'
