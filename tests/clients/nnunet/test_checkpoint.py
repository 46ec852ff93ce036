"""Checkpoints of nnU-Net: read without running anything, loaded whole or not at all."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from nnunet_networks import image, open_cells, plain, with_cells

from iac_components.networks import skip_modules


class Boom:
    """Code that a pickle would run."""

    def __reduce__(self):
        return (print, ("boom",))


def saved(path, **content):
    torch.save(content, path)
    return path


def test_real_checkpoint_gives_the_weights_alone(trained):
    from iac_components.nnunet.weights.checkpoint import read_network_weights

    path = trained.weights.replace("{fold}", "0")
    before = set(torch.serialization.get_safe_globals())
    found = read_network_weights(path)
    expected = torch.load(path, weights_only=False)["network_weights"]
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in found)
    assert set(torch.serialization.get_safe_globals()) == before


def test_old_numpy_numbers_are_passed_over(tmp_path):
    from iac_components.nnunet.weights.checkpoint import read_network_weights

    weights = {"a": torch.ones(2)}
    path = saved(
        tmp_path / "c.pth",
        network_weights=weights,
        logging={"ema": [np.float64(0.5), np.float32(0.5)], "array": np.ones(3)},
        init_args={"device": torch.device("cpu")},
    )
    assert torch.equal(read_network_weights(path)["a"], weights["a"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"network_weights": {"a": torch.ones(1)}, "x": Boom()}, "asks for '.*print'.*was run"),
        ({"model": {}}, "holds no 'network_weights'"),
        ({"network_weights": {}}, "holds no 'network_weights'"),
        ({"network_weights": {"a": 1}}, "holds no tensor at a"),
    ],
)
def test_other_files_are_refused_in_one_line(content, message, tmp_path, capsys):
    from iac_components.nnunet.weights.checkpoint import read_network_weights

    path = saved(tmp_path / "c.pth", **content)
    with pytest.raises(ValueError, match=message) as caught:
        read_network_weights(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "boom" not in capsys.readouterr().out


def test_missing_and_damaged_files(tmp_path):
    from iac_components.nnunet.weights.checkpoint import read_network_weights

    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_network_weights(tmp_path / "none.pth")
    (tmp_path / "text.pth").write_text("no archive")
    with pytest.raises(ValueError, match="damaged"):
        read_network_weights(tmp_path / "text.pth")


@pytest.mark.parametrize("kind", ["PlainConvUNet", "ResidualEncoderUNet"])
@pytest.mark.parametrize("dims", [2, 3])
def test_plain_weights_load_under_the_cells(kind, dims, genotypes):
    from iac_components.nnunet.weights.checkpoint import load_network_weights

    theirs = plain(kind, dims, seed=8)
    ours = with_cells(kind, dims, genotypes)
    open_cells(ours)
    cells = [value.clone() for module in skip_modules(ours) for value in module.parameters()]
    load_network_weights(ours, theirs.state_dict(), source="c.pth")
    after = [value for module in skip_modules(ours) for value in module.parameters()]
    assert all(map(torch.equal, cells, after))
    with torch.no_grad():
        for module in skip_modules(ours):
            module.scale.zero_()
    assert torch.equal(ours(image(dims)), theirs(image(dims)))


def test_weights_of_another_network_change_nothing(genotypes):
    from iac_components.nnunet.weights.checkpoint import load_network_weights

    ours = with_cells("PlainConvUNet", 2, genotypes)
    before = {key: value.clone() for key, value in ours.state_dict().items()}
    weights = dict(plain("PlainConvUNet", 2, seed=8).state_dict())
    weights["decoder.seg_layers.2.bias"] = torch.zeros(9)
    del weights["decoder.stages.0.convs.0.conv.weight"]
    weights["extra"] = torch.zeros(1)
    with pytest.raises(ValueError, match="of another network") as caught:
        load_network_weights(ours, weights, source="c.pth")
    for part in (
        "missing: decoder.stages.0.convs.0.conv.weight",
        "unexpected: extra",
        "decoder.seg_layers.2.bias (9,) instead of (3,)",
    ):
        assert part in str(caught.value)
    assert all(torch.equal(before[key], value) for key, value in ours.state_dict().items())
