"""Values of a run's options: evaluated, converted to plain types, checked against the schema."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection, Iterator, Mapping
from typing import cast

import numpy as np
import torch
from jsonschema import Draft202012Validator
from jsonschema.validators import extend
from monai.bundle import ConfigParser

from iac_components.bundling.options.keys.known_ids import SEPARATOR, nearest, referred_ids, strings
from iac_components.bundling.options.schema import Option
from iac_components.bundling.options.words import allowed_words
from iac_components.common.causes import first_cause, one_line
from iac_components.common.console.typed_values import parse_optional

__all__ = [
    "OptionError",
    "read_given_values",
    "read_values",
    "reason_of",
    "refusal",
    "replaced_values",
]

_SWITCHES = {"true": True, "false": False}
_NO_TEXT = ("", "null", "none")
_READ_OPTION = re.compile(r"@(\w+)|\$(?:parse_bool|parse_optional|flag|optional)\(@(\w+)\b[^()]*\)")


def read_values(
    parser: ConfigParser, options: Mapping[str, Option], faults: list[str]
) -> dict[str, object]:
    """Read all readable options of a config; the others' faults are added to ``faults``.

    What stands in the config as a value comes first. Expressions are evaluated only if all of that
    is sound: they would fail for the fault of another.
    """
    values: dict[str, object] = {}
    expressions: dict[str, Option] = {}
    for name, raw in parser.get().items():
        option = options.get(name)
        if option is None:
            continue
        if not option.is_value or (option.kind == "choice" and _is_object(raw)):
            faults += _misplaced(option, raw)
        elif _is_expression(raw) or _is_component(raw):
            expressions[name] = option
        else:
            values[name] = _plain(option, raw)
            faults += _unfit(option, name, raw, values[name])
    if not faults:
        _evaluate(parser, expressions, values, faults)
    return values


def _evaluate(
    parser: ConfigParser,
    expressions: Mapping[str, Option],
    values: dict[str, object],
    faults: list[str],
) -> None:
    failed: set[str] = set()
    for name, option in expressions.items():
        raw = parser.get(name)
        references = referred_ids(raw)
        if references & failed:
            failed.add(name)
            continue
        unknown = [key for key in sorted(references) if key not in parser]
        if unknown:
            failed.add(name)
            faults.append(_dangling(option, raw, unknown[0], list(parser.get())))
            continue
        try:
            found = parser.get_parsed_content(name)
        # A user's expression may raise anything.
        except Exception as error:
            failed.add(name)
            faults.append(f"--{name} is {raw!r}, which cannot be evaluated: {reason_of(error)}")
            faults[-1] += _literal_hint(option)
        else:
            if option.kind == "choice" and _is_object(found):
                continue
            values[name] = _plain(option, found)
            faults += _unfit(option, name, raw, values[name])


def _dangling(option: Option, raw: object, key: str, known: Collection[str]) -> str:
    remedy = nearest(key, known).replace("--", "@")
    return (
        f"--{option.name} is {raw!r}, but no config of this run has a key '{key}'. {remedy}"
        f"{_literal_hint(option)}"
    )


def _literal_hint(option: Option) -> str:
    return " For a file or folder of this name write ./ before it." if option.kind == "path" else ""


def replaced_values(
    parser: ConfigParser, options: Mapping[str, Option], defined: Mapping[str, object]
) -> Iterator[str]:
    """Yield a sentence for each invalid value that was set where a file refers to an option.

    ``train#trainer#max_epochs`` is ``@epochs`` in the file; MONAI Label puts a number there.
    """
    for where, text in defined.items():
        match = _READ_OPTION.fullmatch(text) if isinstance(text, str) else None
        option = options.get(next(filter(None, match.groups()))) if match else None
        if option is None or not option.is_value or where not in parser:
            continue
        raw = parser.get(where)
        if raw != text and not _is_expression(raw):
            name = where.replace(SEPARATOR, "#")
            yield from _unfit(option, name, raw, _plain(option, raw))


def read_given_values(
    given: Mapping[str, object], options: Mapping[str, Option], faults: list[str]
) -> dict[str, object]:
    """Convert values given in Python to plain types; faults are added to ``faults``.

    Args:
        given: values by their option's name.
        options: the schema.
        faults: grows by a sentence for each value that is not allowed.

    Raises:
        KeyError: if a name is no option.
    """
    values = {name: _plain(options[name], value) for name, value in given.items()}
    for name, value in values.items():
        faults += _unfit(options[name], name, given[name], value)
    return values


def refusal(name: str, value: object, rule: str) -> str:
    """Return the one sentence about a value that is not allowed."""
    return f"--{name} is {value!r}: {rule}"


def _is_expression(value: object) -> bool:
    """Return whether a value, or something in it, is yet to be evaluated."""
    return any(text.startswith(("$", "@")) for _, text in strings(value))


def _is_component(value: object) -> bool:
    """Tell whether a value is made by a function that the config names."""
    return isinstance(value, dict) and "_target_" in value


def _is_object(value: object) -> bool:
    """Return whether a value is a component, or one that a client has built."""
    return isinstance(value, dict) or not isinstance(value, str | int | float | list | tuple | None)


def _misplaced(option: Option, raw: object) -> Iterator[str]:
    """Return whether a component's key holds something else; it is not searched any further."""
    kind = "an object with _target_"
    if option.kind == "group":
        fits, kind = isinstance(raw, dict), "an object"
    elif option.kind == "steps":
        fits, kind = isinstance(raw, list | tuple), "a list"
    elif isinstance(raw, dict):
        fits = "_target_" in raw
    else:
        # Clients that make a workflow in Python may hand over what they have built.
        fits = not isinstance(raw, str | int | float | list | tuple | None)
    if not fits and not (isinstance(raw, str) and raw.startswith(("$", "@"))):
        yield refusal(option.name, raw, f"it must be {kind}, or an expression.")


def _unfit(option: Option, name: str, raw: object, value: object) -> Iterator[str]:
    fits = _Validator(option.schema).is_valid(value)
    made = _is_expression(raw) or _is_component(raw)
    given = f"{raw!r}, which gives {value!r}" if made else repr(raw)
    if fits and not (isinstance(value, str) and value.strip().lower() in _NO_TEXT):
        if option.most is not None and any(number > option.most for number in _numbers(value)):
            yield f"--{name} is {given}: more than {option.most:g} makes no sense here."
        return
    words = allowed_words(option.schema).replace("`", "")
    # MONAI's command takes a name of digits or in brackets for a number or a list.
    typed = option.kind == "path" and isinstance(value, int | float | list)
    hint = " It was read as a value, not as text: write ./ before the name." if typed else ""
    yield f"--{name} is {given}: it must be {words}.{hint}"


def _numbers(value: object) -> Iterator[float]:
    """Yield a number, or those in a list of them."""
    if isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, int | float):
        yield value


def _plain(option: Option, value: object) -> object:
    """Return a value as JSON holds it: no tuple, array, path or device; typed ``null`` is None."""
    if isinstance(value, np.ndarray | np.generic | torch.Tensor):
        value = value.tolist()
    if isinstance(value, os.PathLike | torch.device):
        value = str(value)
    if isinstance(value, tuple | list | range):
        return [_plain(option, item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(option, item) for key, item in value.items()}
    if option.is_switch and isinstance(value, str):
        return _SWITCHES.get(value.lower(), value)
    return parse_optional(value) if option.is_optional else value


def _is_whole(checker: object, value: object) -> bool:
    # JSON schema takes 2.0 for an integer; range() does not.
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(checker: object, value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(cast(float, value))


_Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_whole, "number": _is_finite}
    ),
)


class OptionError(ValueError):
    """An option that is unknown, or whose value is not allowed."""


def reason_of(error: BaseException) -> str:
    """Return the first cause of an error in one line: MONAI wraps errors several deep."""
    return one_line(first_cause(error))
