"""Look-alikes of what users bring are read as a whole."""

from __future__ import annotations

import look_alikes
import pytest

from iac_components.bundling.own_data import read_facts
from iac_components.data import DatasetError


@pytest.mark.parametrize("name", look_alikes.LOOK_ALIKES)
def test_every_look_alike_is_understood(tmp_path, name):
    facts = read_facts(look_alikes.LOOK_ALIKES[name](tmp_path / name))
    assert facts.num_patients == 6
    assert facts.plane.name == "axial"
    names = {
        "nnunet_raw": ("whole_tumor_rest", "tumor_core_rest", "enhancing_tumor"),
        "nnunet_pictures": ("nucleus",),
        "brain_extracted": ("lesion",),
    }
    assert facts.classes.names == names.get(name, ("foreground",))
    assert facts.geometry.num_channels == {
        "nnunet_raw": 2,
        "nnunet_pictures": 3,
        "microscopy": 3,
    }.get(name, 1)
    assert facts.are_pictures == (name in ("nnunet_pictures", "microscopy"))
    assert facts.num_stated_folds == (3 if name == "datalist" else 0)
    assert (facts.images.cropped_share < 0.75) == (name == "brain_extracted")


@pytest.mark.parametrize(("cases", "fits"), [(2, False), (3, True)])
def test_three_patients_are_enough(tmp_path, cases, fits):
    folder = look_alikes.folder_pair(tmp_path, cases=cases)
    if fits:
        assert read_facts(folder).num_patients == 3
        return
    with pytest.raises(DatasetError, match=r"2 patient\(s\).*at least 3"):
        read_facts(folder)


def test_a_voxel_size_must_be_positive(tmp_path):
    with pytest.raises(ValueError, match=r"in_plane_spacing must be positive"):
        read_facts(tmp_path, spacing=(0, 1))
