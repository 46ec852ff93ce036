"""Training a network by a train bundle's own configs, and evaluating its final weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import monai.bundle

__all__ = ["BundleTraining", "final_model"]


def final_model(folder: Path) -> Path:
    """Return the file of a training's last weights."""
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
        """Count the steps of the training as configured: its epochs of the whole training part.

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
        further: dict[str, object] = {}
        if handlers:
            own = monai.bundle.ConfigParser.load_config_file(train)["train"]["handlers"]
            further["train#handlers"] = [*own, *handlers]
        monai.bundle.run(
            config_file=train,
            **self._shared(folder, options),
            **further,
            output_dir=str(folder),
            epochs=epochs,
            steps_per_epoch=self.steps_per_epoch,
            val_interval=epochs,
            resume=True,
        )
        self.evaluate(folder, final_model(folder), options=options)

    def evaluate(
        self, folder: Path, checkpoint: Path, *, options: Mapping[str, object] | None = None
    ) -> None:
        """Evaluate weights on the test fold, unless that was done before.

        Args:
            folder: gets ``eval/metrics.json``.
            checkpoint: the weights, of the plain backbone unless ``options`` say otherwise.
            options: keys of the configs.
        """
        if (folder / "eval" / "metrics.json").exists():
            return
        # The checkpoint has all weights; the backbone they started from is not needed again.
        given = {key: value for key, value in (options or {}).items() if key != "backbone_ckpt"}
        monai.bundle.run(
            config_file=[str(self.configs / name) for name in ("train.json", "evaluate.json")],
            **self._shared(folder, given),
            output_dir=str(folder / "eval"),
            checkpoint=str(checkpoint),
        )

    def _shared(self, folder: Path, options: Mapping[str, object]) -> dict[str, object]:
        """Keys of a training and of an evaluation alike."""
        models = {"skip_module": "plain", "ckpt_dir": str(folder / "models")}
        return {**self.common, **models, **options}
