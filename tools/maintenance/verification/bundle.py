"""A bundle as a folder of files: its name, configs, metadata and siblings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from monai.bundle import ConfigParser

from iac_components.bundling.rendering.former_names import present_name
from tools.maintenance.verification.method import METHODS, Method

__all__ = [
    "STAGES",
    "Bundle",
    "Json",
    "UnknownBundleError",
    "find_bundles",
    "read_json",
    "walk",
]

STAGES = ("search", "train", "inference")
NO_CONFIG = "metadata.json"

Json = dict[str, object]


class UnknownBundleError(ValueError):
    """A name that no bundle has."""


@dataclass(frozen=True, order=True)
class Bundle:
    """The bundle in the folder ``root``."""

    root: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.root.name

    @property
    def stage(self) -> str:
        """``search``, ``train`` or ``inference``."""
        return self.name.rpartition("_")[2]

    @property
    def method(self) -> Method:
        """Search method of the bundle's network.

        Raises:
            UnknownBundleError: if the name is no bundle's.
        """
        owners = [method for method in METHODS.values() if method.owns(self.name)]
        if not owners:
            patterns = [f"{m.pattern}{m.mark}<stage>" for m in METHODS.values() if not m.ending]
            raise UnknownBundleError(f"'{self.name}' is not named {' or '.join(patterns)}.")
        return max(owners, key=lambda method: len(method.ending))

    @property
    def combination(self) -> str:
        """Data set and, if it is chosen, network: ``acdc_unet``, ``spleen``."""
        return self.name.partition(self.method.mark)[0]

    @property
    def dataset(self) -> str:
        """The data set's short name."""
        return self.method.split(self.combination)[0]

    @property
    def network(self) -> str:
        """The short name of the network: a backbone's, or the method's that makes it."""
        return self.method.split(self.combination)[1]

    def sibling(self, stage: str) -> Bundle:
        """Return the bundle of another stage of the same combination."""
        return Bundle(self.root.with_name(f"{self.combination}{self.method.mark}{stage}"))

    def config_path(self, name: str) -> Path:
        """Return the file of a config, given without its suffix."""
        return self.root / "configs" / f"{name}.json"

    @property
    def config_files(self) -> list[Path]:
        """The stage's own config first, then its override files."""
        main = self.config_path(self.stage)
        found = sorted((self.root / "configs").glob("*.json"))
        return [main, *(path for path in found if path not in (main, main.with_name(NO_CONFIG)))]

    @property
    def overrides(self) -> list[Path]:
        """The override files: those that are no stage's own config."""
        return [path for path in self.config_files if path.stem not in STAGES]

    def stack(self, path: Path) -> list[Path]:
        """List the files that a config is used with, itself last.

        An override lies on the stage's config; ``multi_gpu_evaluate`` also on ``evaluate``. What a
        train bundle segments with stands by itself.
        """
        if path.stem in STAGES:
            return [path]
        main = self.config_path(self.stage)
        middle = path.with_name(path.name.removeprefix("multi_gpu_"))
        files = dict.fromkeys([main, middle, path]) if middle.is_file() else [main, path]
        return list(dict.fromkeys(files))

    def merged(self, path: Path) -> ConfigParser:
        """Parse a config as MONAI sees it, on top of the files below it."""
        return self.parse(self.stack(path))

    def parse(self, paths: Sequence[Path]) -> ConfigParser:
        """Merge config files by MONAI's rules, without evaluating anything."""
        parser = ConfigParser()
        parser.read_config([str(path) for path in paths])
        return parser

    def config(self) -> Json:
        """Load the stage's own config."""
        return read_json(self.config_path(self.stage))

    def metadata(self) -> Json:
        """Load the metadata."""
        return read_json(self.root / "configs" / NO_CONFIG)

    def readme(self) -> str:
        """Read the README."""
        return (self.root / "docs" / "README.md").read_text(encoding="utf-8")

    def where(self, path: Path) -> str:
        """Return a file's path within the bundle, for messages."""
        return path.relative_to(self.root).as_posix()


def read_json(path: Path) -> Json:
    """Read a JSON object; ValueError names a file that holds none, or a key twice."""

    def unique(pairs: list[tuple[str, object]]) -> Json:
        keys = [key for key, _ in pairs]
        repeated = sorted({key for key in keys if keys.count(key) > 1})
        if repeated:
            raise ValueError(f"{path.name}: repeats the keys {repeated}")
        return dict(pairs)

    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path.name}: is no JSON ({error})") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path.name}: is no JSON object")
    return cast(Json, content)


def walk(value: object, where: str = "") -> Iterator[tuple[str, object]]:
    """Yield every value below ``value`` with its id in a config (``a#b#0``)."""
    yield where, value
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from walk(item, f"{where}#{key}" if where else str(key))


def find_bundles(names: Sequence[str], folder: Path) -> list[Bundle]:
    """Return the bundles of these names in ``folder``; all of them without a name.

    A name is a bundle's, or the words it begins with, such as ``acdc`` or ``acdc_unet``.

    Raises:
        UnknownBundleError: if a name fits none; the message lists the combinations.
    """
    known = [
        Bundle(path)
        for mark in dict.fromkeys(method.mark for method in METHODS.values())
        for path in sorted(folder.glob(f"*{mark}*"))
        if path.is_dir()
    ]
    methods = {name: index for index, name in enumerate(METHODS)}
    order = {stage: index for index, stage in enumerate(STAGES)}
    known.sort(
        key=lambda bundle: (
            methods[bundle.method.name],
            bundle.combination,
            order.get(bundle.stage, len(order)),
        )
    )
    names = [present_name(name) for name in names]
    for name in names:
        if not any(_fits(bundle, name) for bundle in known):
            stages = f"{{{','.join(STAGES)}}}"
            combinations = dict.fromkeys(b.name.removesuffix(b.stage) + stages for b in known)
            raise UnknownBundleError(
                f"no bundle is called '{name}' or '{name}_...' in {folder}. Known: "
                f"{', '.join(combinations)}."
            )
    return [b for b in known if not names or any(_fits(b, name) for name in names)]


def _fits(bundle: Bundle, name: str) -> bool:
    return f"{bundle.name}_".startswith(f"{name}_")
