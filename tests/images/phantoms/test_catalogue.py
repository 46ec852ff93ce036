from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from iac_components.data import check_datalist, read_dataset
from iac_components.data.case import entry_files
from iac_components.phantoms import register_phantom, write_phantom

LABELS = {"acdc": [1, 2, 3], "decathlon": [1, 2]}

# Name of a phantom -> the layout that reads it.
PHANTOMS = {
    "acdc": "acdc",
    "decathlon": "decathlon",
    "amos": "amos",
    "brats": "brats",
    "brats2021": "brats",
    "kits": "kits",
}


def load(path: Path | None) -> tuple[np.ndarray, tuple[float, ...]]:
    assert path is not None
    image = nibabel.load(path)
    return np.asanyarray(image.dataobj), image.header.get_zooms()


@pytest.mark.parametrize(("layout", "patients"), [("acdc", 6), ("decathlon", 5)])
def test_phantom_passes_the_checks(phantoms: dict[str, Path], layout: str, patients: int) -> None:
    cases = read_dataset(phantoms[layout], layout=layout)
    assert len(cases) == 2 * patients
    assert len({case.patient for case in cases}) == patients
    check_datalist([case.entry() for case in cases], labels=LABELS[layout])
    for case in cases:
        assert set(np.unique(load(case.label)[0])) == {0, *LABELS[layout]}


@pytest.mark.parametrize("layout", PHANTOMS)
def test_the_seed_gives_the_files_to_the_byte(
    tmp_path: Path, phantoms: dict[str, Path], layout: str
) -> None:
    shape = (40, 48) if layout == "acdc" else (20, 24, 18)

    def contents(seed: int) -> list[bytes]:
        folder = write_phantom(
            tmp_path / str(seed), layout=layout, num_patients=1, shape=shape, seed=seed
        )
        return [path.read_bytes() for path in sorted(folder.rglob("*.nii.gz"))]

    first = contents(1)
    assert first == contents(1)
    assert first != contents(2)
    # Bytes 4 to 7 of a gzip file are its time stamp.
    assert all(content[4:8] == bytes(4) for content in first)


def test_acdc_geometry_and_frames(phantoms: dict[str, Path]) -> None:
    cases = read_dataset(phantoms["acdc"], layout="acdc")
    sizes = set()
    for case in cases:
        image, zooms = load(case.image)
        sizes.add(image.shape)
        assert image.dtype == np.int16
        assert 40 <= min(image.shape[:2]) <= max(image.shape[:2]) <= 48
        assert 6 <= image.shape[2] <= 10
        assert 1.2 <= zooms[0] == zooms[1] <= 1.9
        assert 5 <= zooms[2] <= 10
    assert len(sizes) > 1
    info = (phantoms["acdc"] / "training" / "patient002" / "Info.cfg").read_text()
    assert "ES: 4\n" in info
    frames = [case.name[-2:] for case in cases if case.patient == "patient001"]
    assert frames[0] == "01"


def test_acdc_heart_contracts_and_has_slices_without_label(phantoms: dict[str, Path]) -> None:
    cavities, slices_without, slices_without_right = [], 0, 0
    for case in read_dataset(phantoms["acdc"], layout="acdc"):
        label, _ = load(case.label)
        cavities.append(int((label == 3).sum()))
        slices_without += int((~(label > 0).any((0, 1))).sum())
        slices_without_right += int(((label == 2).any((0, 1)) & ~(label == 1).any((0, 1))).sum())
        # The myocardium encloses the cavity: no cavity voxel touches the background.
        inner = label == 3
        for axis in (0, 1):
            for shift in (-1, 1):
                assert not (inner & (np.roll(label, shift, axis) == 0)).any()
    diastole, systole = cavities[0::2], cavities[1::2]
    diastole[1], systole[1] = systole[1], diastole[1]
    assert all(d > 1.2 * s for d, s in zip(diastole, systole, strict=True))
    assert slices_without > 0
    assert slices_without_right > 0


def test_hippocampus_scales_pairs_and_float_labels(phantoms: dict[str, Path]) -> None:
    cases = read_dataset(phantoms["decathlon"], layout="decathlon")
    scales = [float(np.median(load(case.image)[0])) for case in cases]
    assert max(scales) > 10 * min(scales)
    types = {load(case.label)[0].dtype for case in cases}
    assert types == {np.dtype(np.uint8), np.dtype(np.float32)}
    for case in cases:
        number = int(case.name[-3:])
        assert case.patient == f"g{(number + 1) // 2:03d}"
        label, zooms = load(case.label)
        assert zooms == (1, 1, 1)
        head, tail = (np.argwhere(label == value)[:, 1].mean() for value in (1, 2))
        assert head > tail


@pytest.mark.parametrize(("phantom", "layout"), PHANTOMS.items())
def test_grey_values_alone_do_not_separate(
    phantoms: dict[str, Path], phantom: str, layout: str
) -> None:
    overlaps = []
    for case in read_dataset(phantoms[phantom], layout=layout)[:3]:
        label = load(case.label)[0]
        for file in entry_files(case.entry(), "image"):
            image = load(Path(file))[0]
            low, high = np.percentile(image[label > 0], [10, 90])
            overlaps.append(((image > low) & (image < high) & (label == 0)).mean())
    assert np.mean(overlaps) > 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "heart"}, r"phantom 'heart' is unknown\. Known phantoms: acdc, .*decathlon"),
        ({"layout": "acdc", "num_patients": 0}, "num_patients must be at least 1, not 0"),
        ({"layout": "acdc", "shape": (64, 48)}, r"shape must be .* not \(64, 48\)"),
        ({"layout": "acdc", "shape": (48,)}, r"shape must be .* not \(48,\)"),
        ({"layout": "decathlon", "shape": (8, 8, 8)}, "at least 16 voxels"),
        ({"layout": "acdc", "spacing": ((2.0, 1.0), (5.0, 6.0))}, "spacing must be"),
        ({"layout": "decathlon", "spacing": ((0.0, 1.0),)}, "spacing must be"),
        ({"layout": "acdc", "spacing": ((1.0, 1.0),)}, r"spacing must be 2 range\(s\)"),
        ({"layout": "kits", "spacing": ((1.0, 1.0),)}, r"spacing must be 2 range\(s\)"),
        ({"layout": "amos", "spacing": ((1.0, 1.0),)}, r"spacing must be 2 range\(s\)"),
        ({"layout": "brats", "spacing": ((1.0, 1.0),) * 2}, r"spacing must be 1 range\(s\)"),
        ({"layout": "brats", "shape": (32, 32)}, r"shape must be three .* not \(32, 32\)"),
        ({"layout": "brats2021", "shape": (32, 32, 3)}, "at least 4 voxels"),
        ({"layout": "kits", "shape": (3, 32, 32)}, "at least 4 voxels"),
        ({"layout": "amos", "shape": (32, 3, 8)}, "at least 4 voxels"),
    ],
)
def test_bad_arguments(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_phantom(tmp_path, **options)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_spacing_is_taken(tmp_path: Path) -> None:
    write_phantom(
        tmp_path,
        layout="acdc",
        num_patients=1,
        shape=(40, 40),
        spacing=((2.5, 2.5), (4.0, 4.0)),
    )
    assert load(read_dataset(tmp_path, layout="acdc")[0].image)[1] == (2.5, 2.5, 4.0)


def test_a_phantom_is_registered_once() -> None:
    with pytest.raises(ValueError, match="'acdc' is registered already"):
        register_phantom("acdc")(lambda *arguments: None)
