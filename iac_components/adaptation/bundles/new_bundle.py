"""A bundle made of another one: complete and checked before it gets its name."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import torch
from torch import nn

from iac_components.bundling.options import OptionError
from iac_components.common.files import write_json, write_text
from iac_components.common.files.tensor_files import read_tensors, write_tensors

__all__ = [
    "add_to_metadata",
    "add_to_readme",
    "bundle_place",
    "copy_bundle",
    "copy_models",
    "require_apart",
    "write_weights",
]

LEFT_OUT = ("models", "eval", "data", ".git", ".cache", "__pycache__")
"""Folders of a bundle that are not copied: weights are written anew."""

OTHER_FORMATS = (".ts", ".onnx")
RECORDS = ("weights.json", "__pycache__")
"""Files and folders that tell of the released bundle, and not of the copy."""

KEPT_CONFIGS = ("inference", "metadata", "logging")


@contextmanager
def bundle_place(output_dir: str | Path, base: Path) -> Iterator[Path]:
    """Give the path of a bundle to write; it becomes ``output_dir`` if nothing fails.

    Args:
        output_dir: of the bundle; must not exist, or be empty.
        base: the bundle that it is made of.

    Raises:
        OptionError: if it is not empty, or lies in ``base``.
    """
    require_apart(base, output_dir)
    out = Path(output_dir).expanduser().absolute()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OptionError(f"--output_dir '{output_dir}' is not empty: choose another folder.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as place:
        made = Path(place) / out.name
        yield made
        if out.is_dir():
            out.rmdir()
        made.rename(out)


def require_apart(bundle: str | Path, output_dir: str | Path) -> None:
    """Refuse a folder for results that is a bundle's, or lies in it.

    Raises:
        OptionError: if it does.
    """
    inside = Path(output_dir).expanduser().resolve()
    root = Path(bundle).expanduser().resolve()
    if inside == root or root in inside.parents:
        raise OptionError(
            f"--output_dir '{output_dir}' lies in the bundle, which is never written to. Pass "
            "another folder."
        )


def copy_bundle(root: Path, made: Path) -> None:
    """Copy what an inference bundle consists of, but for weights and their record."""
    _copy(root, made, _left_out(root))


def copy_models(root: Path, made: Path, *, but: Collection[Path]) -> None:
    """Copy what lies beside the weights, such as an architecture that the config reads.

    Args:
        root: of the bundle.
        made: the copy.
        but: paths within a bundle that are left out, beside the network in other formats.
    """

    def ignore(folder: str, names: list[str]) -> list[str]:
        inside = Path(folder).relative_to(root)
        return [
            name
            for name in names
            if inside / name in but or Path(name).suffix in OTHER_FORMATS or name in RECORDS
        ]

    if (root / "models").is_dir():
        _copy(root / "models", made / "models", ignore)


def _copy(source: Path, target: Path, ignore: Callable[[str, list[str]], list[str]]) -> None:
    shutil.copytree(source, target, ignore=ignore)
    # Copies have the modes of what may be there to be read only.
    for path in (target, *target.rglob("*")):
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


def write_weights(file: Path, network: nn.Module, *, like: Path) -> None:
    """Write a state dict below the keys that it lies below in another file of weights."""
    state = {
        name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()
    }
    content = read_tensors(like)
    keys = []
    while isinstance(content, dict) and not any(
        isinstance(value, torch.Tensor) for value in content.values()
    ):
        nested = [key for key, value in content.items() if isinstance(value, dict)]
        if not nested:
            break
        keys.append("model" if "model" in nested else nested[0])
        content = content[keys[-1]]
    wrapped: object = state
    for key in reversed(keys):
        wrapped = {key: wrapped}
    file.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(file, wrapped)


def add_to_metadata(
    file: Path, *, mark: str, told: str, added: Mapping[str, object], dropped: tuple[str, ...] = ()
) -> None:
    """Say in a bundle's metadata how it differs from the one that it was made of.

    Args:
        file: ``metadata.json``.
        mark: what the version gets at its end, after a plus.
        told: the difference, for description and changelog.
        added: further keys; objects are joined with those that are there.
        dropped: keys that do not hold any more, the description among them if it does not.
    """
    meta = cast(dict[str, object], json.loads(file.read_text(encoding="utf-8")))
    version = f"{meta.get('version', '0.0.0')}+{mark}"
    meta = {key: value for key, value in meta.items() if key not in dropped}
    meta["version"] = version
    meta["changelog"] = {version: told, **cast(dict[str, str], meta.get("changelog", {}))}
    described = meta.get("description", meta.get("name", file.parents[1].name))
    meta["description"] = f"{str(described).rstrip('.')}. {told}"
    for key, value in added.items():
        there = meta.get(key)
        joined = isinstance(there, dict) and isinstance(value, Mapping)
        meta[key] = {**there, **value} if joined else value  # type: ignore[dict-item]
    write_json(file, meta)


def add_to_readme(file: Path, text: str) -> None:
    """Put a text before what a bundle's README says."""
    own = file.read_text(encoding="utf-8") if file.is_file() else ""
    write_text(file, f"{text}\n\n{own}")


def _left_out(root: Path) -> Callable[[str, list[str]], list[str]]:
    def ignore(folder: str, names: list[str]) -> list[str]:
        inside = Path(folder)
        if inside == root:
            return [name for name in names if name in LEFT_OUT]
        if inside == root / "configs":
            return [name for name in names if not name.startswith(KEPT_CONFIGS)]
        return [name for name in names if name in RECORDS]

    return ignore
