"""People's own data sets, read where they lie: nnU-Net's raw folder, folder pairs, datalists."""

from __future__ import annotations

import json
import shutil

import look_alikes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.data import DatasetError, check_description, detect_layout, read_dataset
from iac_components.data.layouts.general.label_classes import LabelClasses, parse_labels
from iac_components.phantoms import write_phantom

LAYOUT_OF = {
    "nnunet_raw": "nnunet",
    "nnunet_pictures": "nnunet",
    "microscopy": "folder_pair",
    "folder_pair": "folder_pair",
    "datalist": "auto3dseg",
    "brain_extracted": "decathlon",
}


@pytest.mark.parametrize("name", look_alikes.LOOK_ALIKES)
def test_every_look_alike_is_read_untouched(tmp_path, name):
    given = look_alikes.LOOK_ALIKES[name](tmp_path / name)
    found, layout = detect_layout(given)
    assert layout == LAYOUT_OF[name]
    cases = read_dataset(found, layout=layout)
    assert len(cases) == 6
    assert all(case.label is not None and case.label.is_file() for case in cases)
    channels = {1 if not isinstance(case.image, tuple) else len(case.image) for case in cases}
    assert channels == {2 if name == "nnunet_raw" else 1}


@pytest.mark.parametrize("layout", ["acdc", "brats", "kits"])
def test_official_folders_are_known_by_their_cases(tmp_path, layout):
    write_phantom(tmp_path, layout=layout, num_patients=3)
    assert detect_layout(tmp_path) == (tmp_path, layout)


def test_a_decathlon_list_wins_unless_files_are_numbered(tmp_path):
    folder = look_alikes.brain_extracted(tmp_path / "d")
    file = folder / "dataset.json"
    content = json.loads(file.read_text())
    look_alikes.write_json(file, {**content, "file_ending": ".nii.gz"})
    assert detect_layout(folder)[1] == "decathlon"
    raw = look_alikes.nnunet_raw(tmp_path / "n")
    content = json.loads((raw / "dataset.json").read_text())
    look_alikes.write_json(raw / "dataset.json", {**content, "training": []})
    assert detect_layout(raw)[1] == "nnunet"


def test_a_name_in_nnunet_raw_is_found_there(tmp_path, monkeypatch):
    folder = look_alikes.nnunet_raw(tmp_path / "Dataset027_Glioma", cases=3)
    monkeypatch.setenv("nnUNet_raw", str(tmp_path))
    monkeypatch.chdir(folder)
    assert detect_layout("Dataset027_Glioma") == (folder, "nnunet")
    with pytest.raises(DatasetError, match=r"nor in \$nnUNet_raw"):
        detect_layout("Dataset028_Other")


def test_no_layout_lists_those_that_are_read(tmp_path):
    (tmp_path / "scans").mkdir()
    with pytest.raises(DatasetError, match=r"images/ and labels/.*nnU-Net.*Auto3DSeg"):
        detect_layout(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(DatasetError, match=r"no datalist"):
        detect_layout(tmp_path / "a.txt")


def spoil_raw(folder, what):
    images, labels = folder / "imagesTr", folder / "labelsTr"
    if what == "channel":
        (images / "glioma_001_0000.nii.gz").unlink()
    elif what == "last channel":
        (images / "glioma_001_0001.nii.gz").unlink()
        for file in images.glob("glioma_002_*"):
            shutil.copy(file, str(file).replace("_0000", "_0002").replace("_0001", "_0003"))
    elif what == "label":
        (labels / "glioma_001.nii.gz").unlink()
    elif what == "image":
        for file in images.glob("glioma_001*"):
            file.unlink()
    elif what == "number":
        (images / "glioma_001_0000.nii.gz").rename(images / "glioma_001.nii.gz")
    elif what == "ending":
        content = json.loads((folder / "dataset.json").read_text())
        look_alikes.write_json(folder / "dataset.json", {**content, "file_ending": ".mha"})


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("channel", "lacks glioma_001_0000. Add the file"),
        ("last channel", "4 file.s. for 2 channels. Add the missing channels, or correct"),
        ("label", "has no label labelsTr/glioma_001.nii.gz. Add it, or move the image to imagesTs"),
        ("image", "label without an image glioma_001_0000 .*Add the image, or remove the label"),
        ("number", "Rename it to glioma_001_0000.nii.gz"),
        ("ending", "expected images <case>_0000.mha, found glioma.*correct file_ending"),
    ],
)
def test_a_fault_of_a_raw_folder_has_its_own_remedy(tmp_path, what, message):
    folder = look_alikes.nnunet_raw(tmp_path)
    spoil_raw(folder, what)
    with pytest.raises(DatasetError, match=message) as caught:
        read_dataset(folder, layout="nnunet")
    assert "Download" not in str(caught.value)


def test_files_elsewhere_are_named_in_the_list_dataset(tmp_path):
    raw = look_alikes.nnunet_raw(tmp_path / "a")
    images = [f"../a/imagesTr/glioma_000_{number:04d}.nii.gz" for number in range(2)]
    listed = {"one": {"images": images, "label": "../a/labelsTr/glioma_000.nii.gz"}}
    content = json.loads((raw / "dataset.json").read_text())
    look_alikes.write_json(tmp_path / "b" / "dataset.json", {**content, "dataset": listed})
    (case,) = read_dataset(tmp_path / "b", layout="nnunet")
    assert (case.name, len(case.image)) == ("one", 2)
    listed["one"]["label"] = "nowhere.nii.gz"
    look_alikes.write_json(tmp_path / "b" / "dataset.json", {**content, "dataset": listed})
    with pytest.raises(DatasetError, match=r"nowhere.nii.gz(.|\n)*Correct the path there"):
        read_dataset(tmp_path / "b", layout="nnunet")


def test_regions_are_compared_with_the_bundle_by_their_parts(tmp_path):
    folder = look_alikes.nnunet_raw(tmp_path)
    names = ["a", "b", "c"]
    check_description(folder, layout="nnunet", class_names=names, num_channels=2)
    with pytest.raises(DatasetError, match=r"in_channels"):
        check_description(folder, layout="nnunet", class_names=names, num_channels=1)
    with pytest.raises(DatasetError, match=r"names 3"):
        check_description(folder, layout="nnunet", class_names=names[:2], num_channels=2)


def test_labels_of_a_pair_may_be_called_masks(tmp_path):
    folder = look_alikes.folder_pair(tmp_path)
    for file in (folder / "labels").iterdir():
        file.rename(str(file).replace(".nii.gz", "_mask.nii.gz"))
    assert len(read_dataset(folder, layout="folder_pair")) == 6
    (folder / "labels" / "scan_0_mask.nii.gz").rename(folder / "labels" / "other.nii.gz")
    with pytest.raises(DatasetError) as caught:
        read_dataset(folder, layout="folder_pair")
    assert "is a label without an image of its name. Rename it as its image" in str(caught.value)
    assert "has no label in" in str(caught.value)


def test_an_empty_folder_of_a_pair_names_it(tmp_path):
    look_alikes.folder_pair(tmp_path)
    shutil.rmtree(tmp_path / "labels")
    (tmp_path / "labels").mkdir()
    with pytest.raises(DatasetError, match=r"labels' holds no image"):
        read_dataset(tmp_path, layout="folder_pair")


def test_a_datalists_folds_stand_in_its_cases(tmp_path):
    cases = read_dataset(look_alikes.datalist(tmp_path), layout="auto3dseg")
    assert [case.fold for case in cases] == [0, 1, 2, 0, 1, 2]


def test_auto3dsegs_input_file_leads_to_its_datalist(tmp_path):
    look_alikes.datalist(tmp_path / "data")
    (tmp_path / "data" / "task.json").rename(tmp_path / "task.json")
    (tmp_path / "input.yaml").write_text("modality: CT\ndatalist: task.json\ndataroot: data\n")
    found, layout = detect_layout(tmp_path / "input.yaml")
    assert len(read_dataset(found, layout=layout)) == 6


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"image": "gone.nii.gz"}, "gone.nii.gz(.|\n)*Correct the path or dataroot"),
        ({"image": 3}, "must have 'image'"),
        ({"fold": "first"}, "is 'first'. Write a whole number"),
    ],
)
def test_a_wrong_entry_of_a_datalist_is_named(tmp_path, entry, message):
    file = look_alikes.datalist(tmp_path)
    content = json.loads(file.read_text())
    content["training"][2].update(entry)
    look_alikes.write_json(file, content)
    with pytest.raises(DatasetError, match=message) as caught:
        read_dataset(file, layout="auto3dseg")
    assert "training[2]" in str(caught.value)


def test_a_datalist_is_a_file_and_no_folder(tmp_path):
    with pytest.raises(DatasetError, match=r"found a folder. Pass the file"):
        read_dataset(tmp_path, layout="auto3dseg")


def test_groups_join_cases_of_a_patient_in_every_layout(tmp_path):
    folder = look_alikes.folder_pair(tmp_path)
    rows = [f"scan_{number},patient_{number // 2}" for number in range(6)]
    (folder / "groups.csv").write_text("\n".join(["case,subject_group", *rows]))
    cases = read_dataset(folder, layout="folder_pair")
    assert len({case.patient for case in cases}) == 3
    (folder / "groups.csv").write_text("\n".join(["case,subject_group", *rows[:-1]]))
    with pytest.raises(DatasetError, match=r"no subject_group for case 'scan_5'"):
        read_dataset(folder, layout="folder_pair")


NESTED = {"background": 0, "Whole Tumor": [1, 2, 3], "core": [2, 3], "enhancing": 3}


@pytest.mark.parametrize(
    ("labels", "names", "values", "regions"),
    [
        ({"background": 0, "b": 2, "a": 1}, ("a", "b"), ((1,), (2,)), None),
        ({"0": "background", "1": "a", "4": "b"}, ("a", "b"), ((1,), (4,)), None),
        (
            NESTED,
            ("whole_tumor_rest", "core_rest", "enhancing"),
            ((1,), (2,), (3,)),
            {"whole_tumor": (1, 2, 3), "core": (2, 3), "enhancing": (3,)},
        ),
        (
            {"background": 0, "all": [1, 2, 5], "core": [5]},
            ("all_rest", "core"),
            ((1, 2), (5,)),
            {"all": (1, 2), "core": (2,)},
        ),
    ],
)
def test_labels_become_classes_values_and_regions(labels, names, values, regions):
    assert parse_labels(labels) == LabelClasses(names, values, regions)


def test_values_that_are_no_numbers_of_classes_are_mapped():
    classes = parse_labels({"background": 0, "all": [1, 2, 5], "core": [5]})
    assert classes.mapping == {2: 1, 5: 2}
    assert classes.label_values == [0, 1, 2, 5]


@given(
    st.dictionaries(
        st.sampled_from("abcde"), st.sets(st.integers(1, 6), min_size=1), min_size=1, max_size=4
    )
)
def test_regions_are_the_unions_of_their_parts(regions):
    labels = {"background": 0, **{name: sorted(values) for name, values in regions.items()}}
    parsed = parse_labels(labels)
    if not isinstance(parsed, LabelClasses):
        assert len({frozenset(values) for values in regions.values()}) < len(regions)
        return
    flat = [value for group in parsed.values for value in group]
    assert sorted(flat) == sorted(set().union(*regions.values()))
    assert parsed.regions is not None
    for name, values in regions.items():
        held = [parsed.values[number - 1] for number in parsed.regions[name]]
        assert {value for group in held for value in group} == values
    assert len(set(parsed.names)) == len(parsed.names)
