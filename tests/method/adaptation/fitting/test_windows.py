"""Windows cut from cases, and the pool that keeps them."""

from __future__ import annotations

import pytest
import torch

from iac_components.adaptation.fitting import pool
from iac_components.adaptation.fitting.cases import SiteCase, Windows, WindowShape
from iac_components.adaptation.fitting.pool import WindowPool


def case(*size, foreground, name="a"):
    label = torch.zeros(size, dtype=torch.long)
    label[foreground] = 1
    # Every voxel holds its own number, so that a window tells where it is from.
    image = torch.arange(1, label.numel() + 1, dtype=torch.float32).view(1, *size)
    return SiteCase(name, name, image, label)


def cut(cases, shape, count=16):
    windows, generator = Windows(cases, shape), torch.Generator().manual_seed(0)
    images, labels = zip(*(windows.one(generator) for _ in range(count)), strict=True)
    return torch.stack(images), torch.stack(labels)[:, None]


def test_images_and_labels_are_cut_alike():
    one = case(20, 30, foreground=(3, 4))
    images, labels = cut([one], WindowShape((8, 10)))
    assert images.shape == (16, 1, 8, 10)
    assert labels.shape == (16, 1, 8, 10)
    places = images.long() - 1
    assert torch.equal(one.label.flatten()[places.flatten()], labels.flatten())
    # Three quarters around the only voxel of the class, others by chance.
    assert labels.flatten(1).any(dim=1).sum() >= 8


def test_small_images_are_padded_on_both_sides_alike():
    images, _ = cut([case(4, 6, foreground=(1, 1))], WindowShape((8, 8)))
    inside = images[0, 0].nonzero()
    assert inside.min(dim=0).values.tolist() == [2, 1]
    assert inside.max(dim=0).values.tolist() == [5, 6]


def test_slices_are_taken_across_their_axis():
    volume = case(6, 7, 5, foreground=(2, 3, 4))
    images, labels = cut([volume], WindowShape((6, 7), slice_axis=2))
    assert images.shape == (16, 1, 6, 7)
    for image, label in zip(images[:, 0], labels[:, 0], strict=True):
        index = int((image[0, 0] - 1) % 5)
        assert torch.equal(image, volume.image[0, :, :, index])
        assert torch.equal(label[...], volume.label[:, :, index])


def draw(cases, seed=0, batch_size=16, shape=None, **options):
    of = WindowPool(cases, shape or WindowShape((8, 10)), seed=3, **options).of(cases, batch_size)
    return of.draw(torch.Generator().manual_seed(seed))


def test_whole_images_of_other_sizes_are_left_out_of_a_batch():
    cases = [case(4, 6, foreground=(1, 1)), case(5, 6, foreground=(1, 1), name="b")]
    batch = draw(cases, shape=WindowShape())
    assert 1 <= len(batch.images) < 16
    assert batch.images.shape[2:] == batch.labels.shape[2:]
    assert len(batch.keys) == len(batch.images)


def test_the_same_seed_draws_the_same():
    one = case(20, 30, foreground=(3, 4))
    first, again, other = (draw([one], seed).images for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_window_of_the_pool_is_the_same_whenever_it_is_drawn():
    first, second = (case(20, 30, foreground=(3, 4), name=name) for name in "ab")
    pool = WindowPool([first, second], WindowShape((8, 10)), seed=3)
    kept = {}
    for cases in ([first, second], [second]):
        generator = torch.Generator().manual_seed(0)
        batches = [pool.of(cases, 32).draw(generator) for _ in range(8)]
        for batch in batches:
            for key, image in zip(batch.keys, batch.images, strict=True):
                assert torch.equal(kept.setdefault(key, image), image)
    assert len(kept) > 64
    assert not torch.equal(kept["a", 0], kept["b", 0])


def test_augmented_windows_vary_and_keep_their_labels_on_the_structure():
    disc = torch.zeros(24, 24, dtype=torch.long)
    disc[6:16, 8:18] = 1
    one = SiteCase("a", "a", disc[None].float(), disc)
    plain = draw([one], shape=WindowShape((24, 24)), augmented=False)
    changed = draw([one], shape=WindowShape((24, 24)))
    assert all(torch.equal(image, one.image) for image in plain.images)
    assert len({float(image.sum()) for image in changed.images}) > 8
    for image, label in zip(changed.images, changed.labels, strict=True):
        assert set(torch.unique(label).tolist()) == {0, 1}
        middle = (image.max() + image.min()) / 2
        agree = ((image > middle).long() == label).float().mean()
        assert agree > 0.95
        assert 60 < int(label.sum()) < 150


def test_augmentation_of_volumes():
    one = case(8, 9, 10, foreground=(3, 4, 5))
    batch = draw([one], shape=WindowShape((8, 8, 8)), batch_size=2)
    assert batch.images.shape == (2, 1, 8, 8, 8)
    assert batch.labels.dtype == torch.long


@pytest.mark.parametrize("augmented", [True, False])
def test_windows_that_cannot_be_kept_are_cut_anew(monkeypatch, augmented):
    monkeypatch.setattr(pool, "MOST_BYTES", 1000)
    one = case(20, 30, foreground=(3, 4))
    batch = draw([one], augmented=augmented)
    assert batch.keys is None
    assert len({float(image.sum()) for image in batch.images}) > 8
