"""The three bundles of a combination, found by the user's name for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from iac_components.bundling.options import OptionError
from iac_components.bundling.rendering import METHODS, all_combinations
from iac_components.bundling.rendering.combination import Combination, write_bundle
from iac_components.bundling.rendering.facts import BUNDLES, STAGES, Facts, read_json
from iac_components.bundling.rendering.former_names import present_name
from iac_components.common.files import require_writable_directory

__all__ = ["Bundles", "collection", "find_bundles"]


@dataclass(frozen=True)
class Bundles:
    """The bundles ``<stem>_{search,train,inference}``.

    Attributes:
        stem: path up to the stage, such as ``bundles/acdc_unet_iac_segmentation``.
    """

    stem: Path

    @property
    def method(self) -> str:
        """``iac`` or ``dints``."""
        return next(name for name in METHODS if self.stem.name.endswith(_mark(name)))

    @property
    def name(self) -> str:
        """Data set and network in short: ``acdc_unet``, ``spleen_dints``."""
        short = self.stem.name.removesuffix(_mark(self.method))
        return short if self.method == "iac" else f"{short}_{self.method}"

    def root(self, stage: str) -> Path:
        """Return a bundle's folder."""
        return self.stem.with_name(f"{self.stem.name}_{stage}")

    def config(self, stage: str, name: str | None = None) -> Path:
        """Return the path of a config file: the stage's own, or another one in its folder."""
        return self.root(stage).absolute() / "configs" / f"{name or stage}.json"

    def settings(self, stage: str) -> Facts:
        """Load the stage's own config."""
        return read_json(self.config(stage))

    def renumbered(self) -> dict[int, int]:
        """Return the class of each label value that is renumbered as it is read."""
        values = cast(Facts, self.settings("train")["voxel_values"])
        found: dict[int, int] = {}
        for step in cast("list[Facts]", values.get("transforms", [values])):
            if step.get("_target_") == "MapLabelValued":
                old, new = (
                    cast("list[int]", step[f"{name}_labels"]) for name in ("orig", "target")
                )
                found.update(zip(old, new, strict=True))
        return found

    def missing(self) -> list[Path]:
        """List the stages' configs that do not exist."""
        return [path for stage in STAGES if not (path := self.config(stage)).is_file()]


def collection() -> dict[str, Combination]:
    """Return the combinations that this package can render, by short name."""
    return {combination.short_name: combination for combination in all_combinations()}


def find_bundles(stem: str | Path, *, rendered: Path) -> Bundles:
    """Find bundles by stem, or render those of a short name such as ``hippocampus_unet``.

    Args:
        stem: common start of the three folder names, one of the folders, or a short name of the
            collection.
        rendered: folder for the bundles of a short name, where the collection's are not at hand.

    Raises:
        OptionError: if there are none, or not all three.
    """
    given = Path(stem).expanduser()
    given = given.with_name(present_name(given.name)) if given.name else given
    for parent in (given.parent, *([BUNDLES] if len(given.parts) == 1 else [])):
        for name in _names(given.name):
            bundles = Bundles(parent / name)
            missing = bundles.missing()
            if not missing:
                return bundles
            if len(missing) < len(STAGES):
                raise OptionError(
                    f"'{given}': '{missing[0]}' is missing. All three stages are needed, as "
                    "'iac new' writes them."
                )
    known = collection()
    if len(given.parts) == 1 and given.name in known:
        return _render(known[given.name], rendered)
    raise OptionError(
        f"no bundles '{given}_iac_segmentation_{{{','.join(STAGES)}}}'. Pass the "
        f"common start of their folders' names, or one of {', '.join(known)}. For your own data: "
        "iac new --help."
    )


def _names(name: str) -> Iterator[str]:
    """Yield the stems that a name may mean."""
    for stage in STAGES:
        name = name.removesuffix(f"_{stage}")
    marks = [_mark(method) for method in METHODS]
    if any(name.endswith(mark) for mark in marks):
        yield name
        return
    yield from (f"{name}{mark}" for mark in marks)
    if name.endswith("_dints"):
        yield f"{name}_segmentation"


def _mark(method: str) -> str:
    return f"_{method}_segmentation"


def _render(combination: Combination, folder: Path) -> Bundles:
    """Write the bundles of a combination into a folder, if they are not there."""
    placed = combination.placed(require_writable_directory(folder, name="output_dir"))
    bundles = Bundles(placed.bundles / placed.prefix)
    # What is there may have been edited.
    if bundles.missing():
        for stage in STAGES:
            write_bundle(placed, stage)
    return bundles
