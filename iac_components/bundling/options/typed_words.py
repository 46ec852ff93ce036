"""Words of JSON on the command line, where MONAI takes ``false`` for text and drops ``None``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monai.bundle import ConfigItem, ConfigParser, ReferenceResolver

from iac_components.bundling.options.keys.client_keys import WORKFLOW_KEYS
from iac_components.bundling.options.keys.known_ids import SEPARATOR, nearest
from iac_components.bundling.options.schema import Option
from iac_components.common.console.paths import PATH_OPTIONS

__all__ = ["put_items", "put_nothing", "put_plain", "read_words"]

_WORDS = {"true": True, "false": False, "null": None}
_SWITCHES = {"true": True, "false": False}
_OPTIONAL = ("null", "none")
_NOTHING = "None"
_NOT_OF_THE_CONFIG = {*WORKFLOW_KEYS, *PATH_OPTIONS, "args_file"}


def read_words(parser: ConfigParser) -> None:
    """Convert ``true``, ``false`` and ``null`` to their values wherever a component takes them.

    Any text is true in Python: ``--loss#softmax false`` would switch softmax on. What a top-level
    option means is left to its schema.
    """
    for where, holder, key in list(_texts_of_components(parser.get(), "")):
        word = holder[key].lower()
        if word in _WORDS:
            _put(parser, where, holder, key, _WORDS[word])


def put_plain(parser: ConfigParser, options: Mapping[str, Option]) -> None:
    """Take ``true``, ``false``, ``null`` and ``none`` for what they mean to a top-level option.

    What refers to the option then gets the value, and need not know how it was typed.

    Args:
        parser: of the run.
        options: the schema: a switch knows the first two words, what may be left out the others.
    """
    for name, value in list(parser.get().items()):
        option = options.get(name)
        if option is None or not isinstance(value, str):
            continue
        word = value.lower()
        if option.is_switch and word in _SWITCHES:
            _put(parser, name, parser.get(), name, _SWITCHES[word])
        elif option.is_optional and word in _OPTIONAL:
            _put(parser, name, parser.get(), name, None)


def put_items(parser: ConfigParser, values: Mapping[str, object]) -> None:
    """Make the items of lists that expressions give known by their ids, such as ``patch_size#0``.

    Args:
        parser: of the run.
        values: what top-level options are.
    """
    for name, value in values.items():
        if isinstance(value, list) and isinstance(parser.get(name), str):
            for place, item in enumerate(value):
                where = f"{name}{SEPARATOR}{place}"
                parser.ref_resolver.add_item(ConfigItem(config=item, id=where))


def put_nothing(parser: ConfigParser, typed: Mapping[str, str]) -> dict[str, str]:
    """Set None where ``None`` was typed, which MONAI drops silently.

    Args:
        parser: of the run.
        typed: options of the command line with their texts.

    Returns:
        A sentence for each id that the config lacks.
    """
    unknown: dict[str, str] = {}
    for name, text in typed.items():
        if text != _NOTHING or name in _NOT_OF_THE_CONFIG:
            continue
        where = ReferenceResolver.normalize_id(name)
        above, _, last = where.rpartition(SEPARATOR)
        if where not in parser:
            remedy = nearest(name, list(parser.get()))
            unknown[where] = f"--{name} is unknown: no config file of this run has it. {remedy}"
            continue
        holder = parser[above] if above else parser.get()
        _put(parser, where, holder, int(last) if isinstance(holder, list) else last, None)
    return unknown


def _put(parser: ConfigParser, where: str, holder: Any, key: Any, value: object) -> None:
    """Set a leaf of a config that is parsed already."""
    holder[key] = value
    parser.ref_resolver.items[where] = ConfigItem(config=value, id=where)
    parser.ref_resolver.remove_resolved_content(where)


def _texts_of_components(
    config: object, where: str, *, within: bool = False
) -> Iterator[tuple[str, Any, Any]]:
    """Yield id, holder and key of every text among a component's arguments."""
    if not isinstance(config, dict | list):
        return
    inside = within or (isinstance(config, dict) and "_target_" in config)
    for key, value in config.items() if isinstance(config, dict) else enumerate(config):
        here = f"{where}{SEPARATOR}{key}" if where else str(key)
        if not where and key == ConfigParser.meta_key:
            continue
        if isinstance(value, str) and inside and not str(key).startswith("_"):
            yield here, config, key
        else:
            yield from _texts_of_components(value, here, within=inside)
