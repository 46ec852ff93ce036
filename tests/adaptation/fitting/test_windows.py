"""Windows drawn from cases."""

from __future__ import annotations

import torch

from iac_components.adaptation.fitting.cases import SiteCase, Windows, WindowShape


def case(*size, foreground):
    label = torch.zeros(size, dtype=torch.long)
    label[foreground] = 1
    # Every voxel holds its own number, so that a window tells where it is from.
    image = torch.arange(1, label.numel() + 1, dtype=torch.float32).view(1, *size)
    return SiteCase("a", "a", image, label)


def draw(cases, shape, seed=0, batch_size=16):
    return Windows(cases, shape, batch_size).draw(torch.Generator().manual_seed(seed))


def test_images_and_labels_are_cut_alike():
    one = case(20, 30, foreground=(3, 4))
    images, labels = draw([one], WindowShape((8, 10)))
    assert images.shape == (16, 1, 8, 10)
    assert labels.shape == (16, 1, 8, 10)
    places = images.long() - 1
    assert torch.equal(one.label.flatten()[places.flatten()], labels.flatten())
    # Three quarters around the only voxel of the class, others by chance.
    assert labels.flatten(1).any(dim=1).sum() >= 8


def test_small_images_are_padded_on_both_sides_alike():
    images, _ = draw([case(4, 6, foreground=(1, 1))], WindowShape((8, 8)))
    inside = images[0, 0].nonzero()
    assert inside.min(dim=0).values.tolist() == [2, 1]
    assert inside.max(dim=0).values.tolist() == [5, 6]


def test_slices_are_taken_across_their_axis():
    volume = case(6, 7, 5, foreground=(2, 3, 4))
    images, labels = draw([volume], WindowShape((6, 7), slice_axis=2))
    assert images.shape == (16, 1, 6, 7)
    for image, label in zip(images[:, 0], labels[:, 0], strict=True):
        index = int((image[0, 0] - 1) % 5)
        assert torch.equal(image, volume.image[0, :, :, index])
        assert torch.equal(label, volume.label[:, :, index])


def test_whole_images_of_other_sizes_are_left_out_of_a_batch():
    cases = [case(4, 6, foreground=(1, 1)), case(5, 6, foreground=(1, 1))]
    images, labels = draw(cases, WindowShape())
    assert 1 <= len(images) < 16
    assert images.shape[2:] == labels.shape[2:]


def test_the_same_seed_draws_the_same():
    one = case(20, 30, foreground=(3, 4))
    first, again, other = (draw([one], WindowShape((8, 10)), seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
