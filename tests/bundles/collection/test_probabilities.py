"""Probabilities that inference saves, through the bundle's own option."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from iac_components.data.nifti.probabilities import read_probabilities


@pytest.fixture(scope="module")
def saved(hippocampus_chain):
    chain = hippocampus_chain
    return chain.infer(chain.test_images, chain.root / "saved", save_probabilities=True)


def test_label_maps_are_the_most_probable_classes(saved, hippocampus_chain):
    files = sorted(saved.glob("*.npz"))
    assert len(files) == len(list(hippocampus_chain.test_images.iterdir()))
    for file in files:
        values = read_probabilities(file)
        label = np.asarray(nibabel.load(file.with_suffix(".nii.gz")).dataobj)
        assert values.shape == (3, *label.shape)
        np.testing.assert_array_equal(values.argmax(axis=0), label)
        np.testing.assert_allclose(values.sum(axis=0), 1, atol=1e-3)
        assert 0 <= values.min() < 0.4 < values.max() <= 1


def test_by_default_there_are_label_maps_alone(saved, hippocampus_chain):
    plain = hippocampus_chain.predictions
    assert sorted(path.name for path in plain.iterdir()) == sorted(
        path.name for path in saved.glob("*.nii.gz")
    )
    for path in plain.iterdir():
        expected = nibabel.load(path)
        found = nibabel.load(saved / path.name)
        np.testing.assert_array_equal(found.dataobj, expected.dataobj)
        np.testing.assert_array_equal(found.affine, expected.affine)
