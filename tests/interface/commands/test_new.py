"""Bundles for a user's data set run as printed, and state what the data set states."""

from __future__ import annotations

import ast
import json
import shlex
from pathlib import Path

import nibabel
import numpy as np
import pytest
from described_data import CT, MR, Given, write_dataset
from monai.bundle import ConfigParser

from iac_components.__main__ import main
from iac_components.bundling.rendering.facts import STAGES
from iac_components.data import check_description, read_dataset
from tools.maintenance.verification import CHECKS, Bundle, Workbench, run_check
from tools.maintenance.verification.methods.iac_budgets import QUICK
from tools.maintenance.verification.runners import ThisProcess

# What a bundle can be checked for without running it, and is not the templates' affair alone;
# "schema" needs MONAI's file.
STATIC = ("files", "targets", "references", "style", "channels", "overrides", "readme")


@pytest.fixture(scope="module", params=[CT, MR], ids=["ct", "mr"])
def given(request) -> Given:
    return request.param


@pytest.fixture(scope="module")
def place(given, tmp_path_factory) -> Path:
    """A folder whose name a shell would split, with the data set in it."""
    folder = tmp_path_factory.mktemp("my data")
    write_dataset(folder / "data", given)
    return folder


@pytest.fixture(scope="module")
def printed(given, place) -> str:
    """The text that the command prints."""
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr(
            "builtins.print", lambda *v, sep=" ", **_: lines.append(sep.join(map(str, v)))
        )
        words = ["new", place / "data", "--name", "mine", "--out", place / "bundles"]
        assert main([*map(str, words), "--backbone", given.backbone]) == 0
        return "\n".join(lines)


def options_of(line: str) -> dict[str, object]:
    """The options of a printed command, as MONAI's command line reads them."""
    words = shlex.split(line)
    assert words[1:4] == ["-m", "monai.bundle", "run"]
    return {
        key.removeprefix("--"): value for key, value in zip(words[4::2], words[5::2], strict=True)
    }


def test_printed_commands_run_one_after_the_other_from_elsewhere(given, place, printed, tmp_path):
    *blocks, last = printed.split("\n# ")[1:]
    assert [block[0] for block in blocks] == list("123456")
    stem = place / "bundles" / f"mine_{given.backbone}"
    assert last.splitlines()[1] == shlex.join(["iac", "run", str(stem), str(place / "data")])
    runs = place / "runs" / f"mine_{given.backbone}"
    for block in blocks:
        options = options_of(block.partition("\n")[2].replace("\\\n", " "))
        file = str(options.pop("config_file"))
        configs = [Path(name) for name in (ast.literal_eval(file) if file[0] == "[" else [file])]
        stage = configs[0].stem
        tiny = QUICK.options(stage, given.backbone)
        ThisProcess().run(configs, {**tiny, **options}, tmp_path)
    assert not list(tmp_path.iterdir())
    metrics = json.loads((runs / "evaluate" / "metrics.json").read_text())
    assert tuple(metrics["summary"]["dice"]["classes"]) == given.classes
    assert (
        json.loads((runs / "search" / "genotype.json").read_text())["provenance"]["settings"][
            "dataset"
        ]
        == "mine"
    )
    for case in read_dataset(place / "data", layout="decathlon"):
        prediction = nibabel.load(runs / "predictions" / f"{case.name}_seg.nii.gz")
        image = nibabel.load(case.image)
        assert prediction.shape == image.shape[:3]
        assert np.allclose(prediction.affine, image.affine)


def test_slices_run_across_the_coarse_axis(given, place, printed):
    """The config's own preprocessing, on the data: (C, in plane, in plane, across)."""
    parser = ConfigParser()
    parser.read_config(place / "bundles" / bundle_name(given, "train") / "configs" / "train.json")
    case = read_dataset(place / "data", layout="decathlon")[0]
    for keys in ("train", "validate"):
        volume = parser.get_parsed_content(f"{keys}#preprocessing")(case.entry())["image"]
        channels, *_, across = volume.shape
        assert channels == len(given.description.get("modality", [1, 2]))
        assert across == min(given.shape[:3])
    assert f"Cut into {given.plane} slices" in printed


def bundle_name(given: Given, stage: str) -> str:
    return f"mine_{given.backbone}_iac_segmentation_{stage}"


@pytest.mark.parametrize("stage", STAGES)
def test_bundles_pass_the_collections_own_checks(given, place, printed, tmp_path, stage):
    bundle = Bundle(place / "bundles" / bundle_name(given, stage))
    assert set(STATIC) <= set(CHECKS)
    faults = {check: run_check(check, bundle, Workbench(tmp_path)).faults for check in STATIC}
    assert {check: list(found) for check, found in faults.items() if found} == {}


def test_bundles_state_what_the_data_set_states_and_no_more(given, place, printed):
    root = place / "bundles" / bundle_name(given, "train")
    licence = str(given.description.get("licence", "not stated"))
    assert f"Licence of the data: {licence}" in (root / "docs" / "data_license.txt").read_text()
    readme = (root / "docs" / "README.md").read_text()
    assert f"Licence of the data: {licence}" in readme
    assert "Not measured" in readme
    assert "is a stand-in" in readme
    assert json.loads((root / "genotype.json").read_text())["provenance"]["settings"][
        "dataset"
    ] in ("hippocampus", "acdc")
    metadata = json.loads((root / "configs" / "metadata.json").read_text())
    channels = metadata["network_data_format"]["outputs"]["pred"]["channel_def"]
    assert tuple(channels.values()) == ("background", *given.classes)
    assert str(place) not in "".join(p.read_text() for p in root.rglob("*") if p.is_file())


def test_bundles_accept_the_labels_of_nnunet_as_the_tool_does(tmp_path):
    data = write_dataset(tmp_path, CT, labels={"background": 0, "a": 1, "b": 2})
    check_description(data, layout="decathlon", class_names=["a", "b"], num_channels=1)


def test_table_names_every_value_and_its_reason(given, printed):
    for key in ("class_names", "pixdim", "field_of_view", "voxel_values", "batch_size"):
        (line,) = (line for line in printed.splitlines() if line.startswith(f"  {key} "))
        assert len(line.split("  ")) > 3, line
    assert "no groups.csv" in printed
