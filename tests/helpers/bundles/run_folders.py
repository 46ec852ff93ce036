"""Folders that runs leave, made without their cost, and changed."""

from __future__ import annotations

import json
import shutil

from iac_components.bundling.rendering.facts import BUNDLES
from iac_components.interface.running.bundles import find_bundles
from iac_components.interface.running.folds.stages import (
    fold_stages,
    write_cross_validation,
)
from iac_components.interface.running.overrides import override, read_overrides
from iac_components.interface.running.request import RunRequest
from iac_components.interface.running.stages import make_stages


def finish(stages, data, out, *, network="hippocampus_unet", folds=(0, 1), overrides=()) -> None:
    """Leave what a run of these folds leaves; of one fold, without --folds."""
    bundles = find_bundles(network, rendered=out)
    given = read_overrides(overrides)
    out.mkdir()
    by_fold = {}
    for fold in folds:
        if len(folds) > 1:
            made = fold_stages(bundles, data, out=out, fold=fold)
        else:
            made = make_stages(bundles, data, images=out / "images", out=out)
        by_fold[fold] = override(made, given)
        for stage in by_fold[fold]:
            if stage.name in ("train", "evaluate"):
                stages(stage)
                (stage.result.parent / "model.pt").write_bytes(b"best")
    if len(folds) > 1:
        write_cross_validation(by_fold, out)
    RunRequest(bundles, data, overrides).write(out)


def edit(runs, name, *, dataset_dir=None, **configs) -> None:
    """Let a run be of copied bundles with changed keys."""
    path = runs / name / "request.json"
    content = json.loads(path.read_text())
    stem = content["bundles"].rpartition("/")[2]
    for stage in ("search", "train", "inference"):
        copy = runs / f"bundles_{name}" / f"{stem}_{stage}"
        shutil.copytree(BUNDLES / copy.name, copy)
        config = copy / "configs" / f"{stage}.json"
        changed = json.loads(config.read_text()) | configs.get(stage, {})
        kept = {key: value for key, value in changed.items() if value is not ...}
        config.write_text(json.dumps(kept))
    content["bundles"] = str(runs / f"bundles_{name}" / stem)
    content["dataset_dir"] = dataset_dir or content["dataset_dir"]
    path.write_text(json.dumps(content))
