"""``monai.bundle run`` commands from a data set to label maps, each using the one before."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from iac_components.evaluation.postprocessing.decision_file import DECISION_NAME
from iac_components.interface.running.bundles import Bundles

__all__ = ["STAGES", "Stage", "make_stages"]

STAGES = ("backbone", "search", "train", "postprocess", "evaluate", "predict")
"""All stages in their order; a topology search has no backbone."""


@dataclass(frozen=True)
class Stage:
    """A bundle's run.

    Attributes:
        name: one of ``STAGES``.
        title: its purpose.
        configs: config files, each on top of those before.
        options: keys to override.
        result: there once the stage has ended, and whole.
        resumes: whether ``--resume True`` continues it where it was stopped.
    """

    name: str
    title: str
    configs: tuple[Path, ...]
    options: Mapping[str, object]
    result: Path
    resumes: bool = False

    def with_options(self, more: Mapping[str, object]) -> Stage:
        """Return a copy with further options, which take precedence."""
        return replace(self, options={**self.options, **more})

    @property
    def config_file(self) -> str:
        """The configs as MONAI's command takes them."""
        files = [str(path) for path in self.configs]
        return files[0] if len(files) == 1 else json.dumps(files)

    def words(self) -> list[str]:
        """Return the command's words after the interpreter."""
        words = ["-m", "monai.bundle", "run", "--config_file", self.config_file]
        for key, value in self.options.items():
            words += [f"--{key}", str(value)]
        return words

    def line(self) -> str:
        """Format the command for a shell, one option a line."""
        words = [shlex.join([_python(), "-m", "monai.bundle", "run"])]
        words += [
            f"--{key} {shlex.quote(str(value))}"
            for key, value in {"config_file": self.config_file, **self.options}.items()
        ]
        return " \\\n    ".join(words)


def make_stages(bundles: Bundles, dataset_dir: Path, *, images: Path, out: Path) -> list[Stage]:
    """List the stages.

    Args:
        bundles: of a combination.
        dataset_dir: the labelled data set.
        images: folder of the images to segment in the end.
        out: folder for all outputs; all paths are best absolute, so that commands run anywhere.
    """
    make = _topology_stages if bundles.method == "dints" else _cell_stages
    return list(make(bundles, dataset_dir.absolute(), images.absolute(), out.absolute()))


def _cell_stages(bundles: Bundles, data: Path, images: Path, out: Path) -> Iterator[Stage]:
    common = {"dataset_dir": data, "folds_file": out / "folds.json"}
    backbone = {"backbone_ckpt": out / "backbone" / "models" / "model.pt"}
    genotype = out / "search" / "genotype.json"
    yield Stage(
        "backbone",
        "train a plain backbone",
        (bundles.config("train"),),
        {**common, "skip_module": "plain", **_folders(out / "backbone")},
        out / "backbone" / "models" / "model_final.pt",
        resumes=True,
    )
    yield Stage(
        "search",
        "search a cell for its skip connections, the backbone frozen",
        (bundles.config("search"),),
        {**common, **backbone, "output_dir": out / "search"},
        genotype,
        resumes=True,
    )
    yield Stage(
        "train",
        "implant the cell into the trained backbone and continue training",
        (bundles.config("train"),),
        {**common, "genotype_path": genotype, **backbone, **_folders(out / "train")},
        out / "train" / "models" / "model_final.pt",
        resumes=True,
    )
    yield from _uses(bundles, common, {"genotype_path": genotype}, images, out)


def _topology_stages(bundles: Bundles, data: Path, images: Path, out: Path) -> Iterator[Stage]:
    common = {"dataset_dir": data, "folds_file": out / "folds.json"}
    found = {"architecture_path": out / "search" / "architecture.json"}
    yield Stage(
        "search",
        "search the topology of a 3-D network",
        (bundles.config("search"),),
        {**common, "output_dir": out / "search"},
        out / "search" / "architecture.json",
        resumes=True,
    )
    yield Stage(
        "train",
        "train the found network from scratch",
        (bundles.config("train"),),
        {**common, **found, **_folders(out / "train")},
        out / "train" / "models" / "model_final.pt",
        resumes=True,
    )
    yield from _uses(bundles, common, found, images, out)


def _uses(
    bundles: Bundles,
    common: Mapping[str, object],
    found: Mapping[str, object],
    images: Path,
    out: Path,
) -> Iterator[Stage]:
    """Yield the stages that use a trained network."""
    models = out / "train" / "models"
    evaluation = (bundles.config("train"), bundles.config("train", "evaluate"))
    decided = {}
    # Bundles of version 0.5 and before have none.
    if (decide := bundles.config("train", "postprocess")).is_file():
        decided = {"postprocessing_file": out / "postprocess" / DECISION_NAME}
        yield Stage(
            "postprocess",
            "decide on the validation patients whether only largest components are kept",
            (*evaluation, decide),
            {**common, **found, "ckpt_dir": models, "output_dir": out / "postprocess"},
            decided["postprocessing_file"],
        )
    yield Stage(
        "evaluate",
        "score it on patients that were never trained or searched on, whole volumes",
        evaluation,
        {**common, **found, **decided, "ckpt_dir": models, "output_dir": out / "evaluate"},
        out / "evaluate" / "metrics.json",
    )
    yield Stage(
        "predict",
        "segment a folder of images",
        (bundles.config("inference"),),
        {
            "dataset_dir": images,
            **found,
            **decided,
            "checkpoint": models / "model.pt",
            "output_dir": out / "predictions",
        },
        out / "predictions",
    )


def _folders(out: Path) -> dict[str, object]:
    """Return the options that put a run and its weights into a folder."""
    return {"output_dir": out, "ckpt_dir": out / "models"}


def _python() -> str:
    """``python`` where a shell finds this interpreter under that name, else its path."""
    return "python" if shutil.which("python") == sys.executable else sys.executable
