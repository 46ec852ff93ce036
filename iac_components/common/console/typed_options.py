"""Options of MONAI's command line as typed, before Fire parsed them."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence

from iac_components.common.console.brief_errors import is_monai_command

__all__ = ["typed_options"]

_FLAG = re.compile(r"--?([A-Za-z][\w#:-]*)(?:=(.*))?", re.DOTALL)


def typed_options() -> dict[str, str]:
    """Return the options of this process's command line with their texts.

    Empty in a program other than MONAI's command.
    """
    return dict(_typed(sys.argv[1:])) if is_monai_command() else {}


def _typed(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for word, following in zip(words, [*words[1:], "--"], strict=True):
        if word == "--":
            return
        match = _FLAG.fullmatch(word)
        if match is None:
            continue
        name, text = match[1].replace("-", "_"), match[2]
        if text is None and not _FLAG.fullmatch(following) and following != "--":
            text = following
        if text is not None:
            yield name, _unquoted(text)


def _unquoted(text: str) -> str:
    """Remove quotes that the shell left on, as Fire does."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        try:
            return str(ast.literal_eval(text))
        except (SyntaxError, ValueError):
            pass
    return text
