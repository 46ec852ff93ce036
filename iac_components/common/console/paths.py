"""Files and folders as the user named them, whatever the name means to a parser."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from monai.bundle import ConfigItem, ConfigParser, ReferenceResolver

from iac_components.common.console.config_stack import running_parser, workflow_call
from iac_components.common.console.typed_options import typed_options

__all__ = ["PATH_OPTIONS", "PathError", "parse_with_paths", "take_paths_as_typed"]

PATH_OPTIONS = (
    "bundle_root",
    "network_bundle",
    "dataset_dir",
    "source_dir",
    "output_dir",
    "ckpt_dir",
    "cache_dir",
    "folds_file",
    "genotype_path",
    "architecture_path",
    "backbone_ckpt",
    "checkpoint",
    "postprocessing_file",
)
"""The top-level keys of a bundle's config that name a file or folder."""

_NOTHING = ("none", "null")
_IMPOSSIBLE = (errno.ENAMETOOLONG, errno.ELOOP)
_MAY_BE_LEFT_OUT = (
    "cache_dir",
    "genotype_path",
    "backbone_ckpt",
    "source_dir",
    "postprocessing_file",
)


class PathError(ValueError):
    """An option that can name no file or folder."""


def take_paths_as_typed() -> None:
    """Restore every path option of the calling config to the user's value.

    On the command line, Fire takes ``2024`` for a number, ``a,b`` and ``[a]`` for lists, and what
    follows a ``#`` for a comment; MONAI's parser turns ``#`` into ``::`` wherever it stands. So the
    text is taken from the command line, the call or the file that it came from. A leading ``~`` is
    the home folder. A leading ``$`` or ``@`` stays MONAI's: an expression, or a reference.

    Call it before any path option is used, ``bundle_root`` excepted.

    Raises:
        PathError: if a name cannot be used or told; the message names the option and the remedy.
    """
    parser = running_parser()
    config = parser.get()
    typed, written = typed_options(), _written()
    for name in PATH_OPTIONS:
        if name in typed:
            value: object = typed[name]
        elif name in config:
            value = _as_written(name, config[name], written.get(name))
        else:
            continue
        if not _is_expression(value):
            _put(parser, name, _path(name, value))


def parse_with_paths(parser: ConfigParser) -> None:
    """Parse a config that a program reads itself, its path options as they stand.

    Expressions and references among them stay MONAI's.

    Args:
        parser: whose values are all set; setting another one later parses it again.
    """
    config = parser.get()
    stated = {name: config[name] for name in PATH_OPTIONS if name in config}
    parser.parse()
    for name, value in stated.items():
        if isinstance(value, str) and not _is_expression(value):
            _put(parser, name, value)


def _written() -> dict[str, object]:
    """Top-level keys in the files and arguments of the call that made the workflow."""
    call = workflow_call()
    found: dict[str, object] = {}
    if call is not None:
        for content in _contents(call.config_file):
            found |= content
        found |= call.arguments
    return found


def _as_written(name: str, value: object, written: object) -> object:
    """Restore a value's #, unless a client has set another value since.

    Raises:
        PathError: if it is not known whether there was any.
    """
    if not isinstance(value, str) or _is_expression(value) or "::" not in value:
        return value
    if isinstance(written, str) and value == ReferenceResolver.normalize_id(written):
        return written
    raise PathError(
        f"--{name} is '{value}', where :: may have been #, which MONAI's configs read as ::. "
        "Choose a name without # and ::, or give it on the command line."
    )


def _contents(config_file: object) -> Iterator[Mapping[str, object]]:
    """Yield the contents of the config's files, which a parser has not touched."""
    if isinstance(config_file, str) and not Path(config_file).is_file():
        config_file = config_file.split(",")
    files = config_file if isinstance(config_file, list | tuple) else [config_file]
    for file in files:
        if isinstance(file, str | os.PathLike):
            yield ConfigParser.load_config_file(file)


def _is_expression(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("$", "@", "%"))


def _path(name: str, value: object) -> object:
    """Return a usable path, None if it is left out, or a value of another type unchanged."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        return value
    if value.lower() in _NOTHING:
        if name not in _MAY_BE_LEFT_OUT:
            raise PathError(
                f"--{name} is {value}, but this run needs it. For a file or folder of this name "
                f"write ./{value}."
            )
        return None
    path = os.path.expanduser(value)
    fault = _fault(path)
    if fault:
        raise PathError(f"--{name} is {value!a}: {fault}")
    return path


def _fault(path: str) -> str | None:
    """Return the reason why no file can have this path on this system."""
    try:
        path.encode()
        os.stat(path)
    except UnicodeEncodeError:
        return "its name is not UTF-8, in which a run's records are written. Rename it."
    except ValueError:
        return "a name cannot hold a zero byte. Rename it."
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in _IMPOSSIBLE:
            return f"{error.strerror}. Choose another."
    return None


def _put(parser: ConfigParser, name: str, value: object) -> None:
    """Set an option's value without the parser, which would resolve references in it again."""
    if value is None and name in _MAY_BE_LEFT_OUT and parser.get().get(name) is None:
        return
    parser.get()[name] = value
    parser.ref_resolver.items[name] = ConfigItem(config=value, id=name)
    parser.ref_resolver.resolved_content[name] = value
