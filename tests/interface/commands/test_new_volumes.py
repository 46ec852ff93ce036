"""``iac new`` for networks that see volumes: what it writes, runs, and refuses."""

from __future__ import annotations

import ast
import json
import shlex
from pathlib import Path

import pytest

from iac_components.__main__ import main
from iac_components.bundling.own_data import create_bundles
from iac_components.phantoms import write_phantom
from tools.maintenance.verification import CHECKS, Bundle, Workbench, run_check
from tools.maintenance.verification.methods.dints_budgets import QUICK
from tools.maintenance.verification.runners import ThisProcess

RUNNING = ("properties", "net_in_out", "export", "run")
DECISIONS = "iac_components.bundling.own_data.decisions"


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
    require_no_fault(stem, tmp_path)


def require_no_fault(stem: Path, tmp_path: Path) -> None:
    """Check the bundles as the collection's are, but for what runs them."""
    bench = Workbench(tmp_path / "bench")
    for check in (name for name in CHECKS if name not in RUNNING):
        for stage in ("search", "train", "inference"):
            faults = run_check(check, Bundle(Path(f"{stem}_{stage}")), bench).faults
            assert not faults, (check, stage, faults)


def test_a_topology_search_is_planned_and_runs_as_printed(tmp_path, capsys, monkeypatch):
    # Measured in its own test.
    monkeypatch.setattr(f"{DECISIONS}.topologies._bytes_a_voxel", lambda *_: 10_000.0)
    dataset = tmp_path / "four"
    write_phantom(dataset, layout="decathlon", num_patients=4, shape=(20, 36, 20))
    words = ["--name", "mine", "--method", "dints", "--out", str(tmp_path / "out")]
    assert main(["new", str(dataset), *words]) == 0
    printed = capsys.readouterr().out
    assert "Segmented in 3-D. " in printed
    assert "architecture.json in train and inference is a stand-in" in printed
    plan = json.loads((tmp_path / "out" / "mine_dints_plan.json").read_text(encoding="utf-8"))
    assert plan["decisions"]["num_depths"]["value"] == {"search": 3}
    stem = tmp_path / "out" / "mine_dints_segmentation"
    search, train = (
        json.loads(Path(f"{stem}_{stage}/configs/{stage}.json").read_text(encoding="utf-8"))
        for stage in ("search", "train")
    )
    # The median volume of 20 x 36 x 20 voxels, rounded up to 8.
    assert search["patch_size"] == train["patch_size"] == [24, 40, 24]
    assert search["num_depths"] == 3
    assert "medicaldecathlon" not in Path(f"{stem}_search/docs/README.md").read_text("utf-8")
    require_no_fault(stem, tmp_path)
    *blocks, last = printed.split("\n# ")[1:]
    assert last.splitlines()[1] == shlex.join(
        ["iac", "run", str(tmp_path / "out" / "mine_dints"), str(dataset)]
    )
    for block in blocks:
        _, _, command = block.partition("\n")
        names = shlex.split(command.replace("\\\n", " "))[4:]
        options = dict(zip([name[2:] for name in names[::2]], names[1::2], strict=True))
        file = options.pop("config_file")
        configs = [Path(name) for name in (ast.literal_eval(file) if file[0] == "[" else [file])]
        tiny = QUICK.options(configs[0].stem, "dints")
        ThisProcess().run(configs, {**tiny, **options}, tmp_path)
    runs = tmp_path / "runs" / "mine_dints"
    assert json.loads((runs / "evaluate" / "metrics.json").read_text("utf-8"))["patients"]
    images = list(Path(options["dataset_dir"]).iterdir())
    assert images
    assert len(list((runs / "predictions").iterdir())) == len(images)


@pytest.mark.parametrize("words", [["--dimensions", "2"], ["--backbone", "unet"]])
def test_what_a_topology_search_cannot_have_ends_with_one_line(dataset, tmp_path, capsys, words):
    out = tmp_path / "out"
    assert main(["new", str(dataset), "--method", "dints", "--out", str(out), *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"iac new: error: {' '.join(words)}: --method dints ")
    assert not out.exists()


@pytest.mark.parametrize("network", ["unet3d", "dints"])
@pytest.mark.parametrize("options", [{"plane": "axial"}, {"spacing": (1.0, 1.0)}])
def test_options_of_slices_are_refused_for_volumes(dataset, tmp_path, network, options):
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=f"'{network}' sees volumes, not slices"):
        create_bundles(dataset, name="mine", network=network, out=out, **options)
    assert not out.exists()
