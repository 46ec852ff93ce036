"""The ten tasks of the Decathlon by their fingerprints, and what nnU-Net makes of them.

Fingerprints: median size and voxel size of the training cases, as in the supplement of Isensee et
al., Nature Methods 18, 203-211 (2021), noted from memory (brain tumours after cropping to what is
not zero); modalities from each task's dataset.json. Patches: those of nnU-Net 2.8.1's own planner
for these fingerprints, which tests/clients/nnunet/test_planner.py runs where nnU-Net is installed.
"""

from __future__ import annotations

from dataclasses import dataclass

WHOLE = (1.0, 1.0, 1.0)
HEAD = (138 / 240, 169 / 240, 138 / 155)


@dataclass(frozen=True)
class Task:
    """A task's fingerprint, axes right, anterior, superior, and what nnU-Net makes of it."""

    name: str
    channels: tuple[str, ...]
    size: tuple[int, int, int]
    spacing: tuple[float, float, float]
    patch: tuple[int, int]
    volume: tuple[int, int, int]
    window: bool
    cropped: tuple[float, float, float] = WHOLE
    nonzero: bool = False


CT = ("CT",)
TASKS = [
    Task(
        "brain_tumour",
        ("FLAIR", "T1w", "t1gd", "T2w"),
        (240, 240, 155),
        (1, 1, 1),
        (160, 192),
        volume=(128, 128, 128),
        window=False,
        cropped=HEAD,
        nonzero=True,
    ),
    Task(
        "heart",
        ("MRI",),
        (232, 320, 115),
        (1.25, 1.25, 1.37),
        (256, 320),
        volume=(160, 192, 80),
        window=False,
    ),
    Task(
        "liver",
        CT,
        (512, 512, 432),
        (0.77, 0.77, 1),
        (512, 512),
        volume=(128, 128, 128),
        window=True,
    ),
    Task(
        "hippocampus",
        ("MRI",),
        (35, 50, 36),
        (1, 1, 1),
        (40, 56),
        volume=(40, 56, 40),
        window=False,
    ),
    Task(
        "prostate",
        ("T2", "ADC"),
        (319, 320, 20),
        (0.62, 0.62, 3.6),
        (320, 320),
        volume=(256, 320, 20),
        window=False,
    ),
    Task(
        "lung",
        CT,
        (512, 512, 252),
        (0.79, 0.79, 1.24),
        (512, 512),
        volume=(160, 192, 80),
        window=True,
    ),
    Task(
        "pancreas",
        CT,
        (512, 512, 93),
        (0.8, 0.8, 2.5),
        (512, 512),
        volume=(224, 224, 40),
        window=True,
    ),
    Task(
        "hepatic_vessel",
        CT,
        (512, 512, 49),
        (0.8, 0.8, 5),
        (512, 512),
        volume=(256, 256, 28),
        window=True,
    ),
    Task(
        "spleen",
        CT,
        (512, 512, 90),
        (0.79, 0.79, 5),
        (512, 512),
        volume=(224, 224, 32),
        window=True,
    ),
    Task(
        "colon", CT, (512, 512, 95), (0.78, 0.78, 5), (512, 512), volume=(192, 224, 40), window=True
    ),
]
