"""A small inference bundle as the Model Zoo lays them out, and a site's cases for it."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from monai.networks.nets import UNet

SETTINGS = {
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 3,
    "channels": [4, 8],
    "strides": [2],
}
CONFIG = {
    "imports": ["$import glob"],
    "bundle_root": ".",
    "output_dir": "$@bundle_root + '/eval'",
    "device": "$torch.device('cpu')",
    "datalist": "$sorted(glob.glob(@bundle_root + '/images/*.nii.gz'))",
    "network_def": {"_target_": "UNet", **SETTINGS},
    "network": "$@network_def.to(@device)",
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "LoadImaged", "keys": "image"},
            {"_target_": "EnsureChannelFirstd", "keys": "image"},
            {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS", "labels": None},
            {"_target_": "NormalizeIntensityd", "keys": "image"},
        ],
    },
    "dataset": {
        "_target_": "Dataset",
        "data": "$[{'image': i} for i in @datalist]",
        "transform": "@preprocessing",
    },
    "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1},
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 16, 16], "overlap": 0.25},
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "Activationsd", "keys": "pred", "softmax": True},
            {
                "_target_": "Invertd",
                "keys": "pred",
                "transform": "@preprocessing",
                "orig_keys": "image",
                "nearest_interp": False,
                "to_tensor": True,
            },
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
            {
                "_target_": "SaveImaged",
                "keys": "pred",
                "output_dir": "@output_dir",
                "separate_folder": False,
                "print_log": False,
            },
        ],
    },
    "handlers": [
        {
            "_target_": "CheckpointLoader",
            "load_path": "$@bundle_root + '/models/model.pt'",
            "load_dict": {"model": "@network"},
        }
    ],
    "evaluator": {
        "_target_": "SupervisedEvaluator",
        "device": "@device",
        "val_data_loader": "@dataloader",
        "network": "@network",
        "inferer": "@inferer",
        "postprocessing": "@postprocessing",
        "val_handlers": "@handlers",
    },
    "initialize": [],
    "run": ["$@evaluator.run()"],
}
META = {
    "version": "1.2.3",
    "network_data_format": {
        "inputs": {"image": {"num_channels": 1}},
        "outputs": {"pred": {"channel_def": {"0": "background", "1": "ball", "2": "shell"}}},
    },
}


def write_zoo_bundle(root: Path, *, seed: int = 0) -> Path:
    """Write the bundle with drawn weights."""
    for name in ("configs", "models"):
        (root / name).mkdir(parents=True)
    (root / "configs" / "inference.json").write_text(json.dumps(CONFIG))
    (root / "configs" / "metadata.json").write_text(json.dumps(META))
    torch.manual_seed(seed)
    torch.save(UNet(**SETTINGS).state_dict(), root / "models" / "model.pt")
    return root


def write_pairs(root: Path, count: int, *, size: int = 20, values: int = 2) -> Path:
    """Write cases as pairs of folders, the images flipped left to right in their headers."""
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
    grid = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"))
    affine = np.diag([-1.0, 1.0, 2.0, 1.0])
    for number in range(count):
        rng = np.random.default_rng(number)
        centre = rng.uniform(7, 12, size=(3, 1, 1, 1))
        distance = np.sqrt(((grid - centre) ** 2).sum(axis=0))
        label = np.where(distance < 3, 1, np.where(distance < 5, 2, 0)) % (values + 1)
        image = label + 0.1 * rng.normal(size=label.shape)
        for name, data in (("images", image.astype("float32")), ("labels", label.astype("uint8"))):
            nib.save(nib.Nifti1Image(data, affine), root / name / f"case_{number}.nii.gz")
    return root
