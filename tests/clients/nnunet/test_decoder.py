"""nnU-Net's networks with blocks and with cells against its own, by its own builder."""

from __future__ import annotations

import pytest
import torch
from nnunet_networks import OURS, UNET, arguments, build, image, open_cells, plain, with_cells

from iac_components.networks import find_skip_connections

kinds = pytest.mark.parametrize("kind", ["PlainConvUNet", "ResidualEncoderUNet"])
dimensions = pytest.mark.parametrize("dims", [2, 3])


@kinds
@dimensions
@pytest.mark.parametrize("deep_supervision", [False, True])
def test_cells_change_nothing_at_the_start_and_something_later(
    kind, dims, deep_supervision, genotypes
):
    ours = with_cells(kind, dims, genotypes, deep_supervision=deep_supervision)
    theirs = plain(kind, dims, deep_supervision=deep_supervision)
    before, expected = ours(image(dims)), theirs(image(dims))
    if deep_supervision:
        assert len(before) == len(expected) == 3
        assert [part.shape for part in before] == [part.shape for part in expected]
    else:
        before, expected = [before], [expected]
    assert all(map(torch.equal, before, expected))
    open_cells(ours)
    after = ours(image(dims))
    assert not torch.equal(after[0] if deep_supervision else after, before[0])


@kinds
def test_nnunet_does_not_initialize_the_cells_in_its_way(kind, genotypes):
    from dynamic_network_architectures.initialization.weight_init import InitWeights_He

    ours = with_cells(kind, 2, genotypes)
    before = {key: value.clone() for key, value in ours.state_dict().items()}
    ours.apply(ours.initialize)
    assert all(torch.equal(before[key], value) for key, value in ours.state_dict().items())
    ours.apply(InitWeights_He(1e-2))
    assert not all(torch.equal(before[key], value) for key, value in ours.state_dict().items())


@kinds
@dimensions
def test_decoder_switches_deep_supervision_as_nnunet_does(kind, dims, genotypes):
    ours = with_cells(kind, dims, genotypes)
    single = ours(image(dims))
    ours.decoder.deep_supervision = True
    several = ours(image(dims))
    assert isinstance(several, list)
    assert torch.equal(several[0], single)
    assert several[1].shape[2:] < single.shape[2:]


@kinds
@dimensions
def test_blocks_take_the_plain_weights_and_give_the_same(kind, dims):
    from iac_components.nnunet.decoder import blockwise

    theirs, ours = plain(kind, dims), blockwise(plain(kind, dims, seed=4))
    assert not torch.equal(ours(image(dims)), theirs(image(dims)))
    ours.load_state_dict(theirs.state_dict())
    assert torch.equal(ours(image(dims)), theirs(image(dims)))
    found = find_skip_connections(ours, input_shape=(1, 2, *[16] * dims))
    assert [place.skip_channels for place in found] == [4, 8, 12]


def test_another_decoder_is_refused():
    from iac_components.nnunet.decoder import blockwise

    with pytest.raises(ValueError, match="Linear has no UNetDecoder"):
        blockwise(torch.nn.Linear(1, 1))


def test_plans_for_one_trainer_are_refused_by_others():
    own = {"base_class": f"{UNET}.PlainConvUNet", "trainer": "nnUNetTrainerIACSearch"}
    with pytest.raises(ValueError, match="add -tr nnUNetTrainerIACSearch"):
        build(OURS, {**arguments("PlainConvUNet", 2), **own})
