"""Score an inference bundle on test volumes as they are, and in a corner of larger slices.

python -m studies.off_centre <Task04_Hippocampus> <folds.json> <work folder> <out.json>
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import monai.bundle
import nibabel
import numpy as np
from numpy.typing import NDArray

from iac_components.common.files import write_json
from iac_components.data import load_datalist

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "bundles" / "hippocampus_unet_iac_segmentation_inference"
SIDE, CORNER, CASES = 128, (70, 8), 12


def place(image: nibabel.Nifti1Image) -> nibabel.Nifti1Image:
    """Put a volume into a corner of slices of zeros, at its place in the world."""
    voxels = np.asanyarray(image.dataobj)
    start = [min(low, SIDE - n) for low, n in zip(CORNER, voxels.shape[:2], strict=True)]
    box = (
        slice(start[0], start[0] + voxels.shape[0]),
        slice(start[1], start[1] + voxels.shape[1]),
    )
    larger = np.zeros((SIDE, SIDE, voxels.shape[2]), voxels.dtype)
    larger[box] = voxels
    affine = image.affine.copy()
    affine[:3, 3] -= affine[:3, :3] @ np.array([*start, 0])
    return nibabel.Nifti1Image(larger, affine)


def mean_dice(found: NDArray[np.int64], expected: NDArray[np.int64]) -> float:
    """Average the Dice of both classes, each of which is there."""
    pairs = [(found == label, expected == label) for label in (1, 2)]
    return float(np.mean([2 * (a & b).sum() / (a.sum() + b.sum()) for a, b in pairs]))


def main() -> None:
    """Read the command line, segment, and write every volume's score."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("dataset_dir", "folds_file", "work_dir", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--checkpoint", type=Path, default=BUNDLE / "models" / "model.pt")
    parser.add_argument("--window", type=int, nargs=2, default=None)
    options = parser.parse_args()
    entries = load_datalist(
        options.dataset_dir, layout="decathlon", part="test", folds_file=options.folds_file
    )[:CASES]
    images = {kind: options.work_dir / kind for kind in ("as_it_is", "corner")}
    for folder in images.values():
        folder.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        image = nibabel.load(str(entry["image"]))
        nibabel.save(image, images["as_it_is"] / f"{entry['case']}.nii.gz")
        nibabel.save(place(image), images["corner"] / f"{entry['case']}.nii.gz")
    changes = {} if options.window is None else {"patch_size": options.window}
    scores: dict[str, dict[str, float]] = {}
    for kind, folder in images.items():
        masks = options.work_dir / f"{kind}_masks"
        monai.bundle.run(
            config_file=str(BUNDLE / "configs" / "inference.json"),
            dataset_dir=str(folder),
            output_dir=str(masks),
            checkpoint=str(options.checkpoint),
            **changes,
        )
        scores[kind] = {}
        for entry in entries:
            label = nibabel.load(str(entry["label"]))
            expected = place(label) if kind == "corner" else label
            found = nibabel.load(masks / f"{entry['case']}_seg.nii.gz")
            pair = (np.asarray(each.dataobj).astype(np.int64) for each in (found, expected))
            scores[kind][str(entry["case"])] = round(mean_dice(*pair), 4)
    digest = hashlib.sha256(options.checkpoint.read_bytes()).hexdigest()
    means = {kind: round(float(np.mean([*found.values()])), 4) for kind, found in scores.items()}
    write_json(
        options.out,
        {"sha256": digest, "window": options.window, "mean_dice": means, "cases": scores},
    )


if __name__ == "__main__":
    main()
