from __future__ import annotations

from pathlib import Path

import pytest

from iac_components.data import (
    DatasetError,
    FoldCases,
    fold_part,
    fold_parts,
    image_datalist,
    load_datalist,
    load_folds,
)


@pytest.mark.parametrize("layout", ["acdc", "amos", "brats", "decathlon", "kits"])
def test_parts_of_a_dataset_share_no_patient(
    phantoms: dict[str, Path], tmp_path: Path, layout: str
) -> None:
    file = tmp_path / "folds.json"
    parts = {
        part: load_datalist(phantoms[layout], layout=layout, part=part, folds_file=file)
        for part in ("train", "validation", "test")
    }
    patients = [
        patient for entries in parts.values() for patient in {e["patient"] for e in entries}
    ]
    assert sorted(patients) == sorted(load_folds(file).patients)
    kind = list if layout == "brats" else str
    for entries in parts.values():
        for entry in entries:
            assert set(entry) == {"image", "label", "patient", "case"}
            assert isinstance(entry["image"], kind)
            assert all(isinstance(entry[key], str) for key in ("label", "patient", "case"))


def test_every_patient_is_tested_once(phantoms: dict[str, Path]) -> None:
    tested = [
        entry["case"]
        for fold in range(3)
        for entry in load_datalist(
            phantoms["acdc"], layout="acdc", part="test", fold=fold, num_folds=3, seed=7
        )
    ]
    assert len(tested) == len(set(tested)) == 12


def test_parts_are_completed_unless_they_are_of_no_fold(phantoms: dict[str, Path]) -> None:
    options = {"layout": "acdc", "fold": 1, "num_folds": 3, "seed": 7}
    parts = {
        part: load_datalist(phantoms["acdc"], part=part, **options)
        for part in ("weights", "architecture", "validation", "test")
    }
    for missing in ({"test"}, {"validation", "test"}, set()):
        used = {part: entries for part, entries in parts.items() if part not in missing}
        assert fold_parts(used, phantoms["acdc"], **options) == parts
    strangers = {"train": [{"image": "a.nii", "label": "b.nii"}]}
    assert fold_parts(strangers, "nowhere", **options) == strangers


def test_cases_of_a_fold_are_read_when_they_are_asked_for(phantoms: dict[str, Path]) -> None:
    options = {"layout": "acdc", "fold": 1, "num_folds": 3, "seed": 7}
    cases = FoldCases(phantoms["acdc"], **options)
    weights = load_datalist(phantoms["acdc"], part="weights", **options)
    assert cases.part("weights") == fold_part(cases, "weights") == weights
    used = {"weights": weights}
    assert cases.with_left_out(used) == fold_parts(used, phantoms["acdc"], **options)
    nowhere = FoldCases("nowhere", **options)
    with pytest.raises(DatasetError, match="nowhere"):
        nowhere.part("weights")


@pytest.mark.parametrize("key", ["image", "ct"])
def test_images_are_called_as_is_asked(tmp_path: Path, key: str) -> None:
    (tmp_path / "a.nii.gz").touch()
    assert [set(entry) for entry in image_datalist(tmp_path, image_key=key)] == [{key, "case"}]


def test_images_are_listed_by_case(tmp_path: Path) -> None:
    for name in ("b.NII.GZ", "a.Nii", "ü 1.nii.gz", "._b.NII.gz", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "c.nii.gz").touch()
    assert image_datalist(tmp_path) == [
        {"image": str(tmp_path / "a.Nii"), "case": "a"},
        {"image": str(tmp_path / "b.NII.GZ"), "case": "b"},
        {"image": str(tmp_path / "ü 1.nii.gz"), "case": "ü 1"},
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "holds no image .* among 0 entries"),
        (("a.txt", "b.txt"), "holds no image .* among 2 entries"),
        (("a.png", "a.nii.gz"), "has the same case name as 'a.nii.gz'"),
        (("a.nii", "a.nii.gz"), "has the same case name as 'a.nii'"),
        (("a.NII", "a.nii.gz"), "has the same case name as 'a.NII'"),
    ],
)
def test_unusable_image_folder(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(DatasetError, match=message):
        image_datalist(tmp_path)


def test_missing_image_folder_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"is not a folder.*--dataset_dir"):
        image_datalist(tmp_path / "absent")


CHANNELS = {
    "brats2021": ("_flair", "_t1", "_t1ce", "_t2"),
    "brats": ("-t2f", "-t1n", "-t1c", "-t2w"),
}


@pytest.mark.parametrize("phantom", CHANNELS)
def test_case_folders_give_channels_in_the_order_of_training(
    phantoms: dict[str, Path], phantom: str
) -> None:
    cases = load_datalist(phantoms[phantom], layout="brats", part="train")
    root = Path(cases[0]["label"]).parents[1]
    listed = {entry["case"]: entry for entry in image_datalist(root, num_channels=4)}
    for case in cases:
        assert listed[case["case"]] == {"image": case["image"], "case": case["case"]}
        names = [Path(file).name for file in case["image"]]
        assert names == [f"{case['case']}{ending}.nii.gz" for ending in CHANNELS[phantom]]


def test_flat_folder_mixes_groups_and_4d_files_and_leaves_labels_out(tmp_path: Path) -> None:
    groups = {"b": CHANNELS["brats"], "c-1": ("_0000", "_0001", "_0002", "_0003")}
    for case, endings in groups.items():
        for ending in (*endings, "-seg"):
            (tmp_path / f"{case}{ending}.nii").touch()
    for name in ("a.nii.gz", "e_0004.nii.gz"):
        (tmp_path / name).touch()
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "b.nii.gz").touch()
    assert image_datalist(tmp_path, num_channels=4) == [
        {"image": str(tmp_path / "a.nii.gz"), "case": "a"},
        *(
            {"image": [str(tmp_path / f"{case}{end}.nii") for end in endings], "case": case}
            for case, endings in groups.items()
        ),
        {"image": str(tmp_path / "e_0004.nii.gz"), "case": "e_0004"},
    ]


def test_one_channel_has_no_groups_but_nnunets_number(tmp_path: Path) -> None:
    for name in ("a_0000.nii", "a_t1.nii", "a_seg.nii"):
        (tmp_path / name).touch()
    listed = image_datalist(tmp_path)
    assert [entry["case"] for entry in listed] == ["a", "a_seg", "a_t1"]
    assert listed[0]["image"] == str(tmp_path / "a_0000.nii")


def test_a_picture_in_colour_is_one_file_of_several_channels(tmp_path: Path) -> None:
    for name in ("a_0000.png", "b.png"):
        (tmp_path / name).touch()
    assert image_datalist(tmp_path, num_channels=3) == [
        {"image": str(tmp_path / "a_0000.png"), "case": "a"},
        {"image": str(tmp_path / "b.png"), "case": "b"},
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ("p_flair.nii.gz", "p_t1ce.nii.gz"),
            r"p_flair.nii.gz\n  - is a channel of 'p' \(BraTS 2021's names\), which lacks p_t1",
        ),
        (("p_0001.nii", "p_0002.nii", "p_0003.nii"), r"nnU-Net's names\), which lacks p_0000\."),
        (("p/p_0000.nii", "q/x.txt"), "which lacks p_0001, p_0002, p_0003"),
        (("p-t1n.nii", "p-t1n.nii.gz"), "has the same case name as 'p-t1n.nii'"),
        (("a/p-t1n.nii", "b/p-t1n.nii"), "has the same case name as '.*a/p-t1n.nii'"),
        (("p.nii", *(f"p_000{i}.nii" for i in range(4))), "the same case name as 'p.nii'"),
        (("p_seg.nii.gz",), r"holds no .* among 1 entries \(subfolders were searched\)"),
        (("p/x.txt",), r"holds no .* among 1 entries \(subfolders were searched\)"),
    ],
)
def test_unusable_channels(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(DatasetError, match=message):
        image_datalist(tmp_path, num_channels=4)


def test_all_incomplete_cases_are_named_at_once(tmp_path: Path) -> None:
    for name in ("a_t1.nii", "b-t2f.nii", "c_0002.nii"):
        (tmp_path / name).touch()
    with pytest.raises(DatasetError) as caught:
        image_datalist(tmp_path, num_channels=4)
    assert [Path(fault.where).name[0] for fault in caught.value.faults] == ["a", "b", "c"]


def test_number_of_channels_is_checked(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"num_channels must be at least 1, not 0"):
        image_datalist(tmp_path, num_channels=0)


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").touch()
    (tmp_path / "notes.txt").symlink_to(tmp_path / "nowhere.txt")
    assert len(image_datalist(tmp_path)) == 1
    (tmp_path / "b.nii.gz").symlink_to(tmp_path / "moved.nii.gz")
    with pytest.raises(DatasetError, match=r"b\.nii\.gz' is a link to '.*moved\.nii\.gz', which"):
        image_datalist(tmp_path)
