from __future__ import annotations

import pytest
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms import Compose, RandFlipd

from iac_components.data.datasets.seeded import SeededDataset, plain_tensor, take_one

# What datasets do with it is tried in test_slices.py and test_patches.py.


def test_plain_tensors_have_no_metadata_and_may_be_copies() -> None:
    values = torch.ones(2)
    assert plain_tensor(values).data_ptr() == values.data_ptr()
    assert plain_tensor(values, copy=True).data_ptr() != values.data_ptr()
    plain = plain_tensor(MetaTensor(torch.ones(2, dtype=torch.uint8)))
    assert type(plain) is torch.Tensor
    assert plain.dtype == torch.float32


def test_one_dictionary_is_taken_out_of_its_list() -> None:
    item = {"image": torch.ones(1)}
    assert take_one(item, name="t") is item
    assert take_one([item], name="t") is item


@pytest.mark.parametrize(
    ("result", "found"), [([{}, {}], "2 of dict"), ([], "0 of nothing"), (3, "1 of int")]
)
def test_anything_else_is_named(result: object, found: str) -> None:
    with pytest.raises(ValueError, match=f"slice_transform must give one .*, not {found}"):
        take_one(result, name="slice_transform")


def test_a_random_transform_is_found_however_deep() -> None:
    nested = Compose([Compose([RandFlipd("image", prob=0.5)])])
    with pytest.raises(ValueError, match=r"RandFlipd, which is random.* Move it to later"):
        SeededDataset(
            [],
            nested,
            item_transform=None,
            item_name="later",
            keys=("image", "label"),
            seed=0,
        )
