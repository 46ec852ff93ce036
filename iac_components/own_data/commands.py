"""The ``monai.bundle run`` commands from a plain backbone to label maps, ready to paste."""

from __future__ import annotations

import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from iac_components.own_data.facts import DatasetFacts
from iac_components.rendering.combination import Combination

__all__ = ["Command", "make_commands"]


@dataclass(frozen=True)
class Command:
    """A bundle's run.

    Attributes:
        title: what it does.
        configs: config files, each on top of those before.
        options: keys to override.
    """

    title: str
    configs: tuple[Path, ...]
    options: dict[str, Path | str]

    def line(self) -> str:
        """The command for a shell, an option a line."""
        files = [str(path) for path in self.configs]
        config_file = files[0] if len(files) == 1 else str(files)
        words = [shlex.join([_python(), "-m", "monai.bundle", "run"])]
        words += [
            f"--{key} {shlex.quote(str(value))}"
            for key, value in {"config_file": config_file, **self.options}.items()
        ]
        return " \\\n    ".join(words)


def make_commands(combination: Combination, facts: DatasetFacts, *, runs: Path) -> list[Command]:
    """The commands, each handing over to the next.

    Args:
        combination: its bundles, written.
        facts: the data set.
        runs: folder for all outputs, absolute, so that the commands run from anywhere.
    """
    train = combination.root("train") / "configs" / "train.json"
    search = combination.root("search") / "configs" / "search.json"
    inference = combination.root("inference") / "configs" / "inference.json"
    data: dict[str, Path | str] = {
        "dataset_dir": facts.dataset_dir,
        "folds_file": runs / "folds.json",
    }
    backbone: dict[str, Path | str] = {"backbone_ckpt": runs / "plain" / "models" / "model.pt"}
    genotype: dict[str, Path | str] = {"genotype_path": runs / "search" / "genotype.json"}
    models = runs / "cell" / "models"
    return [
        Command(
            "train a plain backbone",
            (train,),
            {
                **data,
                "skip_module": "plain",
                "output_dir": runs / "plain",
                "ckpt_dir": runs / "plain" / "models",
            },
        ),
        Command(
            "search a cell for it, the backbone frozen (--resume true goes on after a stop)",
            (search,),
            {**data, **backbone, "output_dir": runs / "search"},
        ),
        Command(
            "implant the cell and train",
            (train,),
            {**data, **genotype, **backbone, "output_dir": runs / "cell", "ckpt_dir": models},
        ),
        Command(
            "score it on the test fold, whole volumes",
            (train, train.with_name("evaluate.json")),
            {**data, **genotype, "output_dir": runs / "cell" / "eval", "ckpt_dir": models},
        ),
        Command(
            "segment a folder of images",
            (inference,),
            {
                "dataset_dir": facts.images,
                **genotype,
                "checkpoint": models / "model.pt",
                "output_dir": runs / "predictions",
            },
        ),
    ]


def _python() -> str:
    """``python`` where a shell finds this interpreter under that name, else its path."""
    return "python" if shutil.which("python") == sys.executable else sys.executable
