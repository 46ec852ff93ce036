"""Images of a data set as input of inference, and the stage that segments them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from iac_components.bundling.options import OptionError
from iac_components.data.case import DatalistEntry, entry_files, image_stem
from iac_components.interface.running.bundles import Bundles
from iac_components.interface.running.stages import Stage, make_stages

__all__ = ["link_images", "predict_stage"]


def link_images(cases: Sequence[DatalistEntry], folder: Path) -> None:
    """Put the images of cases, and nothing else, into a folder, replacing its content.

    Links, or copies where links are not possible. An image of one file is called as its case; of
    several files, the names tell the channels.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for case in cases:
        files = [Path(file) for file in entry_files(case, "image")]
        for file in files:
            suffix = file.name[len(image_stem(file)) :]
            name = f"{case['case']}{suffix}" if len(files) == 1 else file.name
            _link(file, folder / name)


def _link(source: Path, target: Path) -> None:
    try:
        os.symlink(source, target)
    except OSError:
        shutil.copy(source, target)


def predict_stage(
    bundles: Bundles, cases: Sequence[DatalistEntry], out: Path, run: Path | None
) -> Stage:
    """Make the stage that segments cases.

    Args:
        bundles: of a combination.
        cases: entries of a data set.
        out: gets ``images`` and ``predictions``.
        run: output folder of the run whose network segments; None takes the bundle's own.

    Raises:
        OptionError: if the run has no trained network.
    """
    images = out / "images"
    source = out if run is None else run.expanduser().absolute()
    stages = make_stages(bundles, out, images=images, out=source)
    (stage,) = (stage for stage in stages if stage.name == "predict")
    options = {**stage.options, "output_dir": out / "predictions"}
    if run is None:
        options = {key: options[key] for key in ("dataset_dir", "output_dir")}
    else:
        decided = options.get("postprocessing_file")
        if decided is not None and not Path(str(decided)).is_file():
            # The run is one of version 0.5 or before.
            del options["postprocessing_file"]
        files = [
            Path(str(options[key])) for key in options if key.endswith(("_path", "checkpoint"))
        ]
        missing = next((file for file in files if not file.is_file()), None)
        if missing is not None:
            raise OptionError(
                f"--run '{run}': '{missing}' is missing. Pass the output_dir of an 'iac run' that "
                "has trained its network."
            )
    link_images(cases, images)
    return replace(stage, options=options, result=out / "predictions")
