"""Packed features: the decoder alone does what the whole network does."""

from __future__ import annotations

import torch
from monai.networks.nets import BasicUNet

import iac_components as iac
from studies.cell_table.training.features import FeatureSet, encode
from studies.found.packed import PackedDecoder, PackedFeatures, pack


def test_the_packed_decoder_gives_what_the_network_gives():
    torch.manual_seed(0)
    network = BasicUNet(2, 1, 3, (4, 4, 8, 8, 16, 4)).eval()
    images = torch.rand(2, 1, 32, 48)
    with torch.no_grad():
        kept = encode(network, images)
        decoder = PackedDecoder(network, [level.shape[1:] for level in kept])
        packed = pack(kept)
        torch.testing.assert_close(decoder(packed), network(images))
        # Every value is read, each from its place.
        assert (decoder(packed + 0.1) - network(images)).abs().max() > 1e-3
    assert packed.shape[2:] == images.shape[2:]


def test_the_interface_searches_on_packed_features(tmp_path):
    torch.manual_seed(0)
    network = BasicUNet(2, 1, 3, (4, 4, 4, 4, 4, 4)).eval()
    images = torch.rand(4, 1, 32, 32)
    with torch.no_grad():
        kept = encode(network, images)
    halves = [
        PackedFeatures(FeatureSet(kept, torch.randint(0, 3, (4, 1, 32, 32)).float(), names))
        for names in (("a", "b", "c", "d"), ("e", "f", "g", "h"))
    ]
    genotype = iac.search_cell(
        PackedDecoder(network, [level.shape[1:] for level in kept]),
        *halves,
        output_dir=tmp_path,
        epochs=2,
        steps_per_epoch=1,
        warmup_epochs=1,
        batch_size=2,
        criterion="stability",
    )
    assert genotype.nodes
