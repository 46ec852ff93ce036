"""One image in odd but sound forms: other axes, places, headers, names and shapes."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

__all__ = ["ODD_NAME", "ORIENTATIONS", "turned", "write_odd_images"]

# Eight of the 48 ways round: every permutation of the axes, and every axis flipped.
ORIENTATIONS = ["RAS", "LPS", "PIR", "SRA", "ALI", "IPL", "RSP", "LAI"]
ODD_NAME = "Ünï cødé 患者.01"


def turned(image: nibabel.Nifti1Image, codes: str) -> nibabel.Nifti1Image:
    """The same volume with its axes in another order and direction."""
    way = ornt_transform(io_orientation(image.affine), axcodes2ornt(codes))
    return image.as_reoriented(way)


def write_odd_images(source: nibabel.Nifti1Image, folder: Path) -> None:
    """Write the image in every odd but sound form, a file each, beside a file that is none."""
    for codes in ORIENTATIONS:
        nibabel.save(turned(source, codes), folder / f"{codes}.nii.gz")
    nibabel.save(source, folder / "plain.nii")
    nibabel.save(source, folder / f"{ODD_NAME}.nii.gz")

    thick = source.affine.copy()
    thick[:3, :3] = np.diag([0.7, -1.6, 5.0])
    nibabel.save(nibabel.Nifti1Image(np.asarray(source.dataobj), thick), folder / "thick.nii.gz")

    oblique = source.affine.copy()
    angle = 0.2
    turn = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    oblique[:3, :3] = np.array(turn) @ oblique[:3, :3]
    nibabel.save(
        nibabel.Nifti1Image(np.asarray(source.dataobj), oblique), folder / "oblique.nii.gz"
    )

    for case, image in odd_places(source).items():
        nibabel.save(image, folder / f"{case}.nii.gz")

    scaled = nibabel.Nifti1Image(np.asarray(source.dataobj, dtype=np.float64), source.affine)
    scaled.set_data_dtype(np.int16)
    nibabel.save(scaled, folder / "scaled.nii.gz")
    assert nibabel.load(folder / "scaled.nii.gz").dataobj.slope != 1

    (folder / "notes.txt").write_text("no image", encoding="utf-8")


def odd_places(source: nibabel.Nifti1Image) -> dict[str, nibabel.Nifti1Image]:
    """The image with transforms that disagree, in one slice along each axis, and far off."""
    data, affine = np.asarray(source.dataobj), source.affine
    elsewhere = np.diag([-1.0, 1.0, 1.0, 1.0])
    elsewhere[:3, 3] = (81.5, 12.0, -40.25)
    slices = {
        f"slice_{axis}": nibabel.Nifti1Image(data.take([6], axis), affine)
        for axis in range(data.ndim)
    }
    flat = data[:, :, 6:7, None]
    # The same grey values four times over, so that normalising gives what it gives for one.
    tiled = np.tile(data, (2, 2, 1))
    images = {
        **slices,
        "slice_of_four_axes": nibabel.Nifti1Image(flat, affine),
        "second_version": nibabel.Nifti2Image(data, affine),
        "tiled": nibabel.Nifti1Image(tiled, affine),
    }
    for case, codes in {"two_places": (1, 2), "qform_alone": (1, 0), "no_codes": (0, 0)}.items():
        image = nibabel.Nifti1Image(data, affine)
        image.set_qform(elsewhere if codes[1] else affine, code=codes[0])
        image.set_sform(affine if codes[1] else None, code=codes[1])
        image.header.set_xyzt_units("mm", "sec")
        images[case] = image
    return images
