"""Bundles by their names, what a check cannot tell, and the program that runs all."""

from __future__ import annotations

from pathlib import Path

import pytest
from spoilt_bundles import EVALUATE, PREFIX, copied, delete, edit, foreign_weights, replace

import tools.maintenance.verify as verify_bundles
from tools.maintenance.verification import (
    Bundle,
    UnknownBundleError,
    find_bundles,
    run_check,
)
from tools.maintenance.verification.bundle import STAGES
from tools.maintenance.verification.methods.iac_budgets import (
    PHANTOMS,
    QUICK,
    SKIP_MODULES,
    other_skip_module,
)

ROOT = Path(__file__).parents[3]


def test_a_folder_that_is_named_as_no_bundle(copies, workbench):
    root = copies["train"].root
    stranger = Bundle(root.rename(root.with_name("hippocampus_segmentation_train")))
    (fault,) = run_check("files", stranger, workbench).faults
    assert "<dataset>_<backbone>_iac_segmentation_<stage> or <task>_dints_segmentation_" in fault


def test_licence_that_forbids_weights(copies, workbench):
    foreign_weights(copies["inference"])
    licence = copies["inference"].root / "docs" / "data_license.txt"
    licence.write_text(licence.read_text() + "NonCommercial use only\n")
    faults = run_check("weights", copies["inference"], workbench).faults
    assert any("does not allow" in fault for fault in faults)


def test_weights_around_which_nobody_searched_say_so(tmp_path, workbench):
    bundle = copied("hippocampus_nnunet_iac_segmentation", tmp_path)["inference"]
    assert not run_check("architecture", bundle, workbench).faults
    replace("docs/README.md", "was not searched", "is known")(bundle)
    faults = run_check("architecture", bundle, workbench).faults
    assert any("kind is stand-in" in fault for fault in faults)
    assert any("was found elsewhere" in fault for fault in faults)


def test_bundles_by_name():
    folder = ROOT / "bundles"
    names = [bundle.name for bundle in find_bundles(["acdc_unet"], folder)]
    assert names == [f"acdc_unet_iac_segmentation_{stage}" for stage in STAGES]
    assert len(find_bundles(["acdc"], folder)) == 12
    # A data set of both methods, whose cells come first.
    both = [bundle.method.name for bundle in find_bundles(["hippocampus"], folder)]
    assert both == ["iac"] * 12 + ["iac_3d"] * 9 + ["dints"] * 3
    assert {b.method.name for b in find_bundles(["hippocampus_dints"], folder)} == {"dints"}
    # All but the one that adapts, which is no stage of a method.
    assert len(find_bundles([], folder)) == sum(path.is_dir() for path in folder.iterdir()) - 1
    one = "kits_resnet_iac_segmentation_train"
    assert [bundle.name for bundle in find_bundles([one], folder)] == [one]
    with pytest.raises(UnknownBundleError, match=r"'acd'.*Known: .*acdc_unet.*kits_resnet"):
        find_bundles(["acd"], folder)


def test_parts_of_a_name():
    bundle = Bundle(Path("/b/my_own_data_resnet_iac_segmentation_train"))
    assert (bundle.dataset, bundle.network, bundle.stage) == ("my_own_data", "resnet", "train")
    volumes = Bundle(Path("/b/lung_nnunet3d_iac_segmentation_train"))
    assert (volumes.dataset, volumes.network) == ("lung", "nnunet3d")
    assert (volumes.method.name, bundle.method.name) == ("iac_3d", "iac")
    assert volumes.sibling("search").name == "lung_nnunet3d_iac_segmentation_search"
    task = Bundle(Path("/b/hepaticvessel_dints_segmentation_search"))
    assert (task.dataset, task.network, task.stage) == ("hepaticvessel", "dints", "search")
    assert task.sibling("train").name == "hepaticvessel_dints_segmentation_train"


def test_skip_modules_go_round():
    for dataset in PHANTOMS:
        assert {other_skip_module(dataset, b) for b in QUICK.networks} == set(SKIP_MODULES)


def test_data_set_without_a_phantom_is_not_run(copies, workbench):
    root = copies["train"].root
    unknown = Bundle(root.rename(root.with_name("mine_unet_iac_segmentation_train")))
    outcome = run_check("run", unknown, workbench)
    assert (outcome.word, outcome.skipped) == (
        "skipped",
        "there is no phantom of the data set 'mine'",
    )


class TestProgram:
    STATIC = ("--checks", "files", "metadata", "overrides")

    def test_sound_bundles(self, capsys):
        assert verify_bundles.main(["hippocampus_unet", "--quick", *self.STATIC]) == 0
        out = capsys.readouterr().out
        header, *rows = out.splitlines()[:4]
        assert header.split() == ["bundle", "files", "metadata", "overrides"]
        assert [row.split()[1:] for row in rows] == [["ok"] * 3] * 3
        assert "0 faults in 3 bundles." in out

    def test_faults_are_listed_and_told_by_the_status(self, copies, capsys):
        delete("LICENSE")(copies["search"])
        edit(EVALUATE, "epochz", 1)(copies["train"])
        folder = str(copies["search"].root.parent)
        assert verify_bundles.main(["--bundles_dir", folder, *self.STATIC]) == 1
        out = capsys.readouterr().out
        assert out.count("FAILED") == 2
        assert "2 faults in 3 bundles." in out
        assert f"{PREFIX}_search: files: LICENSE: is missing or empty\n" in out
        assert f"{PREFIX}_train: overrides: evaluate.json: 'epochz' overrides nothing" in out

    def test_without_a_schema(self, capsys, monkeypatch, tmp_path):
        monkeypatch.delenv("IAC_SCHEMA", raising=False)
        monkeypatch.setenv("IAC_SHARED", str(tmp_path))
        assert verify_bundles.main(["hippocampus_unet", "--checks", "schema"]) == 0
        out = capsys.readouterr().out
        assert "skipped: schema: no schema file" in out

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nothing"], "no bundle is called 'nothing'"),
            (["--schema", "absent.json"], "schema file 'absent.json' does not exist"),
        ],
    )
    def test_unknown_name_or_file(self, capsys, arguments, message):
        assert verify_bundles.main(arguments) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("verify_bundles: error: ")
        assert message in printed.err
        assert printed.err.count("\n") == 1
