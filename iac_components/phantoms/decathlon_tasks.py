"""Nine tasks of the Medical Segmentation Decathlon in its own words, for their phantoms.

Written from the published description of the data (Antonelli et al., Nature Communications 13:4128,
2022; Simpson et al., arXiv 1902.09063) and the ``dataset.json`` of each release, spelling included:
"tumor" and "tumour" both occur. Sizes are our choice; the real volumes are ten times as large along
each axis. The tenth task, Hippocampus, has a phantom of its own (``decathlon``).
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DECATHLON_TASKS", "DecathlonTask"]


@dataclass(frozen=True)
class DecathlonTask:
    """A task of the Decathlon.

    Attributes:
        folder: the official folder, which is also the archive's name.
        name: the field ``name`` of dataset.json.
        case: a case's file name, without ending, for a number from 1.
        modality: names of the channels.
        labels: names of the label values 1, 2, ...
        shape: voxels of a phantom (X, Y, Z).
        in_plane: smallest and largest voxel size within a slice in mm, of most real volumes.
        between: the same between slices.
    """

    folder: str
    name: str
    case: str
    modality: tuple[str, ...]
    labels: tuple[str, ...]
    shape: tuple[int, int, int]
    in_plane: tuple[float, float]
    between: tuple[float, float]


DECATHLON_TASKS = {
    "msd_brain_tumour": DecathlonTask(
        folder="Task01_BrainTumour",
        name="BRATS",
        case="BRATS_{:03d}",
        modality=("FLAIR", "T1w", "t1gd", "T2w"),
        labels=("edema", "non-enhancing tumor", "enhancing tumour"),
        shape=(48, 48, 40),
        in_plane=(1.0, 1.0),
        between=(1.0, 1.0),
    ),
    "msd_heart": DecathlonTask(
        folder="Task02_Heart",
        name="LeftAtrium",
        case="la_{:03d}",
        modality=("MRI",),
        labels=("left atrium",),
        shape=(48, 48, 40),
        in_plane=(1.25, 1.25),
        between=(1.37, 1.37),
    ),
    "msd_liver": DecathlonTask(
        folder="Task03_Liver",
        name="LIVER",
        case="liver_{}",
        modality=("CT",),
        labels=("liver", "cancer"),
        shape=(48, 48, 48),
        in_plane=(0.6, 0.9),
        between=(0.7, 1.5),
    ),
    "msd_prostate": DecathlonTask(
        folder="Task05_Prostate",
        name="PROSTATE",
        case="prostate_{:02d}",
        modality=("T2", "ADC"),
        labels=("PZ", "TZ"),
        shape=(64, 64, 20),
        in_plane=(0.6, 0.75),
        between=(3.0, 4.0),
    ),
    "msd_lung": DecathlonTask(
        folder="Task06_Lung",
        name="Lung",
        case="lung_{:03d}",
        modality=("CT",),
        labels=("cancer",),
        shape=(48, 48, 44),
        in_plane=(0.6, 0.98),
        between=(0.7, 2.5),
    ),
    "msd_pancreas": DecathlonTask(
        folder="Task07_Pancreas",
        name="Pancreas",
        case="pancreas_{:03d}",
        modality=("CT",),
        labels=("pancreas", "cancer"),
        shape=(48, 48, 40),
        in_plane=(0.6, 0.98),
        between=(0.7, 3.0),
    ),
    "msd_hepaticvessel": DecathlonTask(
        folder="Task08_HepaticVessel",
        name="HepaticVessel",
        case="hepaticvessel_{:03d}",
        modality=("CT",),
        labels=("Vessel", "Tumour"),
        shape=(48, 48, 32),
        in_plane=(0.6, 0.97),
        between=(1.0, 5.0),
    ),
    "msd_spleen": DecathlonTask(
        folder="Task09_Spleen",
        name="Spleen",
        case="spleen_{}",
        modality=("CT",),
        labels=("spleen",),
        shape=(48, 48, 36),
        in_plane=(0.6, 0.98),
        between=(1.5, 5.0),
    ),
    "msd_colon": DecathlonTask(
        folder="Task10_Colon",
        name="Colon",
        case="colon_{:03d}",
        modality=("CT",),
        labels=("colon cancer primaries",),
        shape=(48, 48, 40),
        in_plane=(0.6, 0.98),
        between=(1.25, 5.0),
    ),
}
"""Name of the phantom -> the task."""
