"""Options of a bundle: every top-level key of its configs, with type, range and meaning.

:func:`check_options` is what the first item of ``initialize`` calls: it names every key that no
file of the run defines, and every value that is of the wrong type, out of range or at odds with
another, before any data are read; :func:`check_values` does so for arguments in Python;
:func:`build_components` builds what could fail for the rest of
them, such as an optimizer. What is allowed stands in ``schemas``, one entry a key;
:func:`option_table` makes of it the table in a bundle's README. Rules that hold between options
are functions registered in ``rules``. :func:`parse_with_paths` parses another
bundle's config, its path options as they stand.
"""

from __future__ import annotations

from iac_components.bundling.options.check import check_options, check_values
from iac_components.bundling.options.components import build_components
from iac_components.bundling.options.consistency.unused import unused_with
from iac_components.bundling.options.schema import Option, load_options
from iac_components.bundling.options.table import option_table
from iac_components.bundling.options.values import OptionError
from iac_components.bundling.options.words import allowed_words
from iac_components.common.console.paths import parse_with_paths

__all__ = [
    "Option",
    "OptionError",
    "allowed_words",
    "build_components",
    "check_options",
    "check_values",
    "load_options",
    "option_table",
    "parse_with_paths",
    "unused_with",
]
