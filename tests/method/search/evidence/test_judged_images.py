"""Images that parts are judged on: a few of each patient, the same in every run."""

from __future__ import annotations

import pytest
import torch
from torch.utils.data import DataLoader

from iac_components.search.evidence.judged_images import judged_images


class Drawing(torch.utils.data.Dataset):
    """Draws its items by epoch, knows its patients, and counts what is read."""

    def __init__(self) -> None:
        self.epoch, self.read = 5, []
        self.patients = ["b"] * 5 + ["a"] * 2

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return len(self.patients)

    def __getitem__(self, index):
        self.read.append(index)
        image = torch.full((1, 4, 4), 10.0 * self.epoch + index)
        return {"image": image, "label": image > 0, "patient": self.patients[index]}


def test_only_what_is_chosen_is_read_as_in_epoch_zero():
    items = Drawing()
    (batch,) = judged_images(items, images_a_patient=3, batch_size=9)
    assert items.epoch == 5
    assert items.read == [0, 2, 4, 5, 6]
    assert batch.images[:, 0, 0, 0].tolist() == [5, 6, 0, 2, 4]
    assert batch.rows == {"a": slice(0, 2), "b": slice(2, 5)}


def item(name, index):
    image = torch.full((1, 4, 4), float(index))
    return {"image": image, "label": image, "patient": name}


def test_lists_and_loaders_are_gone_through_once():
    items = [item(name, index) for index, name in enumerate("aabb")]
    of_list = judged_images(items, images_a_patient=1, batch_size=4)
    of_loader = judged_images(DataLoader(items, 3), images_a_patient=1, batch_size=4)
    for found in (of_list, of_loader):
        assert [batch.images.shape[0] for batch in found] == [2]
        assert list(found[0].rows) == ["a", "b"]


def test_patients_may_be_numbers():
    found = judged_images([item(3, 0), item(4, 1)], images_a_patient=1, batch_size=4)
    assert list(found[0].rows) == ["3", "4"]


@pytest.mark.parametrize("wrap", [list, lambda items: DataLoader(items, 2)])
def test_items_without_a_patient_are_refused(wrap):
    image = torch.zeros(1, 4, 4)
    with pytest.raises(ValueError, match="have no 'patient', only 'image', 'label': add it"):
        judged_images(
            wrap([{"image": image, "label": image}] * 2), images_a_patient=1, batch_size=1
        )
