"""Deploy's MonaiBundleInferenceOperator, step by step; its SDK is too heavy to be required here."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ckpt_export
from monai.data import MetaTensor, load_net_with_metadata
from monai.transforms import Compose, LoadImage, LoadImaged, SaveImaged

KNOWN_TYPES = {"image", "series", "tuples", "probabilities"}


@pytest.fixture
def torchscript(shipped, tmp_path):
    """``model.ts`` with metadata and config inside, by MONAI's own export."""
    path = tmp_path / "model.ts"
    ckpt_export(
        "network_def",
        filepath=str(path),
        bundle_root=str(shipped),
        config_file=str(shipped / "configs" / "inference.json"),
        use_trace=True,
    )
    return path


def without_files(compose):
    """The operator gets and gives images in memory."""
    kept = [t for t in compose.transforms if not isinstance(t, (LoadImaged, SaveImaged))]
    assert len(kept) < len(compose.transforms)
    return Compose(kept)


def test_torchscript_gives_what_the_bundle_gives(torchscript, shipped, image, own_prediction):
    network, metadata, extra = load_net_with_metadata(
        torchscript, more_extra_files=["inference.json"]
    )
    parser = ConfigParser(json.loads(extra["inference.json"]))
    data_format = metadata["network_data_format"]
    (input_name,), (output_name,) = data_format["inputs"], data_format["outputs"]
    assert {v["type"] for side in data_format.values() for v in side.values()} <= KNOWN_TYPES

    # The SDK's Image is an array with metadata, channels last or none.
    volume = LoadImage(image_only=True)(image)
    assert isinstance(volume, MetaTensor)
    data = without_files(parser.get_parsed_content("preprocessing"))({input_name: volume})
    inferer = parser.get_parsed_content("inferer")
    with torch.no_grad():
        prediction = inferer(inputs=data[input_name][None], network=network.eval())
    data[output_name] = prediction[0]
    result = without_files(parser.get_parsed_content("postprocessing"))(data)[output_name]

    expected = np.asarray(nibabel.load(own_prediction).dataobj)
    found = result[0].numpy()
    assert found.shape == expected.shape
    assert np.mean(found == expected) > 0.999


def test_directory_bundle(parser, shipped):
    """Without ``model.ts``: the network of the config takes the weights of ``model.pt``."""
    network = parser.get_parsed_content("network_def")
    state = torch.load(shipped / "models" / "model.pt", weights_only=True)
    network.load_state_dict(state, strict=True)
    assert parser.get("_meta_#modality")
    assert parser.get("_meta_#organ")
