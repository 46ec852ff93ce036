"""``iac new`` for networks that see volumes: what it writes, runs, and refuses."""

from __future__ import annotations

import ast
import json
import re
import shlex
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from iac_components.__main__ import main
from iac_components.bundling.own_data import create_bundles
from iac_components.networks import check_patch, skip_fusions
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


def test_swin_unetr_is_planned_and_its_configs_build_what_trains(dataset, tmp_path, capsys):
    words = ["--name", "mine", "--backbone", "swinunetr3d", "--out", str(tmp_path / "out")]
    assert main(["new", str(dataset), *words]) == 0
    assert "mine_swinunetr3d_plan.json" in capsys.readouterr().out
    stem = tmp_path / "out" / "mine_swinunetr3d_iac_segmentation"
    require_no_fault(stem, tmp_path)
    parsers = {}
    for stage in ("search", "train", "inference"):
        parsers[stage] = ConfigParser()
        parsers[stage].read_config(f"{stem}_{stage}/configs/{stage}.json")
        # The median volume of 20 x 36 x 20 voxels, so that two a side are left at the bottom.
        assert parsers[stage]["patch_size"] == [64, 64, 64]
        parsers[stage]["backbone_def"].update(feature_size=12, depths=[1] * 4, num_heads=[1] * 4)
        parsers[stage]["bundle_root"] = f"{stem}_{stage}"
    supernet, network, same = (
        parsers[stage].get_parsed_content("network_def") for stage in parsers
    )
    assert len(skip_fusions(supernet)) == len(skip_fusions(network)) == 5
    assert list(same.state_dict()) == list(network.state_dict())
    patch = torch.rand(1, 1, 64, 64, 64)
    loss = parsers["train"].get_parsed_content("loss")
    loss(network.train()(patch), (patch > 0.5).long()).backward()
    trained = [p.grad for p in network.parameters() if p.grad is not None]
    assert len(trained) == len(list(network.parameters()))
    # No multiple of 32, or one voxel at the bottom.
    for refused in ([40, 56, 40], [32, 32, 32]):
        message = re.escape(f"--patch_size is {refused}: the network cannot take it")
        with pytest.raises(ValueError, match=message + r".* Pass --patch_size \[64, 64, 64\]"):
            check_patch(network, num_channels=1, patch_size=refused)


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
