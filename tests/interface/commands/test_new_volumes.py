"""``iac new`` for networks that see volumes: what it writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iac_components.__main__ import main
from iac_components.interface.commands.new import create_bundles
from iac_components.phantoms import write_phantom
from tools.maintenance.verification import CHECKS, Bundle, Workbench, run_check

RUNNING = ("properties", "net_in_out", "export", "run")


@pytest.fixture
def dataset(tmp_path) -> Path:
    folder = tmp_path / "data"
    write_phantom(folder, layout="decathlon", num_patients=3, shape=(20, 36, 20))
    return folder


def test_volumes_are_planned_on_request_and_pass_the_collections_own_checks(
    dataset, tmp_path, capsys
):
    words = ["--name", "mine", "--dimensions", "3", "--out", str(tmp_path / "out")]
    assert main(["new", str(dataset), *words]) == 0
    printed = capsys.readouterr().out
    assert "Segmented in 3-D. " in printed
    assert "mine_unet3d_plan.json" in printed
    stem = tmp_path / "out" / "mine_unet3d_iac_segmentation"
    configs = {
        stage: json.loads(Path(f"{stem}_{stage}/configs/{stage}.json").read_text(encoding="utf-8"))
        for stage in ("search", "train", "inference")
    }
    # The median volume of 20 x 36 x 20 voxels, rounded up to 16, and 32 at least.
    assert {tuple(config["patch_size"]) for config in configs.values()} == {(32, 48, 32)}
    assert configs["train"]["backbone"] == "unet3d"
    assert configs["train"]["session"]["method"] == "iac_3d"
    bench = Workbench(tmp_path / "bench")
    for check in (name for name in CHECKS if name not in RUNNING):
        for stage in configs:
            faults = run_check(check, Bundle(Path(f"{stem}_{stage}")), bench).faults
            assert not faults, (check, stage, faults)


@pytest.mark.parametrize("options", [{"plane": "axial"}, {"spacing": (1.0, 1.0)}])
def test_options_of_slices_are_refused_for_volumes(dataset, tmp_path, options):
    out = tmp_path / "out"
    with pytest.raises(ValueError, match="'unet3d' sees volumes, not slices"):
        create_bundles(dataset, name="mine", backbone="unet3d", out=out, **options)
    assert not out.exists()
