"""Bundles for a user's data set run as printed, or are not written at all."""

from __future__ import annotations

import ast
import json
import os
import shlex
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pytest
from monai.bundle import ConfigParser

from iac_components.__main__ import main
from iac_components.bundling.own_data import create_bundles, writing
from iac_components.bundling.rendering.facts import STAGES
from iac_components.common.files import write_json
from iac_components.data import check_description, read_dataset
from iac_components.phantoms.catalogue import write_nifti
from tools.maintenance.verification import CHECKS, Bundle, Workbench, run_check
from tools.maintenance.verification.methods.iac_budgets import QUICK
from tools.maintenance.verification.runners import ThisProcess

ROOT = Path(__file__).parents[3]

# What a bundle can be checked for without running it, and is not the templates' affair alone;
# "schema" needs MONAI's file.
STATIC = ("files", "targets", "references", "style", "channels", "overrides", "readme")


@dataclass(frozen=True)
class Given:
    """A data set to write, and what is asked for."""

    backbone: str
    description: dict[str, object]
    shape: tuple[int, ...]
    spacing: tuple[float, float, float]
    classes: tuple[str, ...]
    plane: str = "axial"


CT = Given(
    backbone="unet",
    description={
        "labels": {"0": "background", "1": "Left Kidney", "2": "tumour (solid)"},
        "modality": {"0": "CT"},
        "licence": "CC BY 4.0",
    },
    shape=(40, 36, 8),
    spacing=(1.0, 1.2, 4.0),
    classes=("left_kidney", "tumour_solid"),
)
# Sagittal, two channels under nnU-Net v2's name for them.
MR = Given(
    backbone="nnunet",
    description={
        "labels": {"0": "background", "1": "disc"},
        "channel_names": {"0": "T1w", "1": "T2w"},
    },
    shape=(6, 30, 34, 2),
    spacing=(5.0, 1.0, 1.0),
    classes=("disc",),
    plane="sagittal",
)


def write_dataset(folder: Path, given: Given, *, cases: int = 5, **changes: object) -> Path:
    """A data set in the Decathlon's layout: boxes that are brighter than the noise around."""
    random = np.random.default_rng(0)
    # Not stored in the order of RAS, so that an orientation that is left out shows.
    affine = np.diag([-given.spacing[0], *given.spacing[1:], 1.0])
    entries = []
    for number in range(cases):
        label = np.zeros(given.shape[:3], dtype=np.uint8)
        first, second, third = (slice(n // 4, 3 * n // 4) for n in label.shape)
        label[first, second, third] = len(given.classes)
        label[first, second, third][: label.shape[0] // 4] = 1
        image = random.normal(0, 20, given.shape)
        image += 100 * label.reshape(*label.shape, *[1] * (image.ndim - 3))
        entry = {key: f"./{key}sTr/case_{number}.nii.gz" for key in ("image", "label")}
        write_nifti(folder / entry["image"], image.astype(np.float32), affine)
        write_nifti(folder / entry["label"], label, affine)
        entries.append(entry)
    content = {"name": "phantom", **given.description, "training": entries, **changes}
    write_json(folder / "dataset.json", {key: v for key, v in content.items() if v is not None})
    return folder


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
    """What the command prints."""
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


@pytest.fixture
def dataset(tmp_path) -> Path:
    return write_dataset(tmp_path / "data", CT, cases=4)


@pytest.fixture
def write(dataset, tmp_path):
    """Write bundles of the small data set; options replace the usual ones."""

    def run(**options: object) -> None:
        usual = {"name": "mine", "network": "unet", "out": tmp_path / "bundles"}
        create_bundles(dataset, **{**usual, **options})

    return run


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("backbone", ["efficientnet", "nnunet", "resnet", "unet"])
def test_every_backbone_is_rendered(write, tmp_path, backbone):
    write(network=backbone)
    folder = tmp_path / "bundles" / f"mine_{backbone}_iac_segmentation_train"
    assert json.loads((folder / "configs" / "train.json").read_text())["backbone"] == backbone


def test_four_patients_get_four_folds(write, tmp_path):
    write()
    folder = tmp_path / "bundles" / "mine_unet_iac_segmentation_search"
    assert json.loads((folder / "configs" / "search.json").read_text())["num_folds"] == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "vgg"}, "backbone 'vgg' is unknown. Known: efficientnet, nnunet, resnet"),
        ({"name": "My_Data"}, "lower-case letters"),
        ({"name": "my__data"}, "single underscores"),
        ({"name": "2fast"}, "a letter first"),
        ({"name": "../x"}, "lower-case"),
        ({"name": "heart_v2"}, "'_v'.*'heartv2'"),
        ({"name": "acdc"}, "a data set of this collection"),
        ({"spacing": (0.0, 1.0)}, "in_plane_spacing must be positive"),
        ({"out": ROOT / "bundles"}, "collection's own folder"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(write, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        write(**options)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_what_is_there_is_not_replaced_unless_asked(write, tmp_path):
    bundles = tmp_path / "bundles"
    write()
    model = bundles / "mine_unet_iac_segmentation_train" / "models" / "model.pt"
    model.parent.mkdir()
    model.write_bytes(b"weights")
    before = snapshot(bundles)
    with pytest.raises(FileExistsError, match=r"mine_unet_iac_segmentation_search.*--overwrite"):
        write(spacing=(2.0, 2.0))
    assert snapshot(bundles) == before
    write(spacing=(2.0, 2.0), overwrite=True)
    after = snapshot(bundles)
    assert after.keys() == before.keys()
    assert model.read_bytes() == b"weights"
    config = json.loads(after["mine_unet_iac_segmentation_train/configs/train.json"])
    assert config["pixdim"] == [2.0, 2.0, -1.0]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("fails", ["render", "write_text", "replace"])
def test_a_failure_leaves_what_was_there(write, tmp_path, monkeypatch, overwrite, fails):
    bundles = tmp_path / "bundles"
    if overwrite:
        write()
    before = snapshot(tmp_path)
    calls = iter(range(100))
    real = os.replace if fails == "replace" else getattr(writing, fails)

    def failing(*arguments: object) -> object:
        # Renames within write_text come first: the last of the three bundles fails.
        inner = fails == "replace" and ".iac_new." in str(arguments[1])
        if not inner and next(calls) == (2 if fails == "replace" else 1):
            raise OSError("No space left on device")
        return real(*arguments)

    target = (
        "os.replace" if fails == "replace" else f"iac_components.bundling.own_data.writing.{fails}"
    )
    if overwrite and fails == "replace":
        pytest.skip("renaming over files that are there happens after all is on the disk")
    monkeypatch.setattr(target, failing)
    with pytest.raises(OSError, match="No space left"):
        write(spacing=(2.0, 2.0), overwrite=overwrite)
    assert snapshot(tmp_path) == before
    assert not bundles.exists() or overwrite == bool(list(bundles.iterdir()))


def test_the_command_ends_with_one_line(iac, tmp_path):
    (tmp_path / "empty").mkdir()
    ended = iac("new", tmp_path / "empty", "--name", "mine", "--out", tmp_path / "out")
    assert ended.status == 2
    assert ended.err.startswith("iac new: error: ")
    assert "an empty folder, which is no layout that is read" in ended.err
    assert not (tmp_path / "out").exists()


def test_text_of_the_data_set_is_never_run(tmp_path):
    """MONAI evaluates strings that begin with ``$``, and follows ``@`` and ``%``."""
    labels = {"0": "background", "1": "$open('pwned','w')", "2": "@bundle_root"}
    data = write_dataset(
        tmp_path / "data",
        CT,
        labels=labels,
        modality={"0": "$open('pwned','w')"},
        licence="%/etc/passwd#root",
        reference="$x\n# Title `a` @##y",
    )
    planned = create_bundles(data, name="mine", network="unet", out=tmp_path / "out")
    combination = planned.combination
    config = json.loads((combination.root("train") / "configs" / "train.json").read_text())
    assert config["class_names"] == ["open_pwned_w", "bundle_root"]
    metadata = (combination.root("train") / "configs" / "metadata.json").read_text()
    for value in ("$", '"@', '"%', "@#"):
        assert value not in metadata.replace('"$schema"', "")
