"""Training a network by a train bundle's own configs, and evaluating its final weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import monai.bundle

__all__ = ["BundleTraining", "final_model"]


def final_model(folder: Path) -> Path:
    """Where a training leaves its last weights."""
    return folder / "models" / "model_final.pt"


@dataclass(frozen=True)
class BundleTraining:
    """Trains and evaluates networks of one train bundle on one fold.

    Attributes:
        configs: the folder of ``train.json`` and ``evaluate.json``.
        common: options of every run: data set, fold, and whatever else differs from the configs.
        steps_per_epoch: steps in what the configs call an epoch.
    """

    configs: Path
    common: Mapping[str, object]
    steps_per_epoch: int

    def own_steps(self) -> int:
        """Steps of the training as the configs have it: their epochs of the whole training part.

        Reads the images, since slices are what is counted.
        """
        parser = monai.bundle.ConfigParser()
        parser.read_config(str(self.configs / "train.json"))
        parser.update({"bundle_root": str(self.configs.parent), **self.common})
        steps = len(parser.get_parsed_content("train#dataloader"))
        return steps * int(parser.get_parsed_content("epochs"))

    def run(
        self,
        folder: Path,
        *,
        steps: int,
        options: Mapping[str, object],
        handlers: Sequence[Mapping[str, object]] = (),
    ) -> None:
        """Train one network and evaluate its final weights, unless that was done before.

        Args:
            folder: where everything of this training goes.
            steps: steps of the optimizer, rounded to whole epochs.
            options: keys of the configs, for the training and the evaluation.
            handlers: components that are attached to the trainer after the config's own.
        """
        if (folder / "eval" / "metrics.json").exists():
            return
        epochs = max(1, round(steps / self.steps_per_epoch))
        train = str(self.configs / "train.json")
        models = {"skip_module": "plain", "ckpt_dir": str(folder / "models")}
        shared = {**self.common, **models, **options}
        further: dict[str, object] = {}
        if handlers:
            own = monai.bundle.ConfigParser.load_config_file(train)["train"]["handlers"]
            further["train#handlers"] = [*own, *handlers]
        monai.bundle.run(
            config_file=train,
            **shared,
            **further,
            output_dir=str(folder),
            epochs=epochs,
            steps_per_epoch=self.steps_per_epoch,
            val_interval=epochs,
            resume=True,
        )
        # Evaluation loads the final weights; the backbone they started from is not needed again.
        shared.pop("backbone_ckpt", None)
        monai.bundle.run(
            config_file=[train, str(self.configs / "evaluate.json")],
            **shared,
            output_dir=str(folder / "eval"),
            checkpoint=str(final_model(folder)),
        )
