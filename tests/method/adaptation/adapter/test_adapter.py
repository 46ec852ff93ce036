"""Adapters as files, and in networks."""

from __future__ import annotations

import json
import pickle

import pytest
import torch
from adapters import moved_adapter

from iac_components.adaptation import AdaptableNetwork, AdapterError, apply_adapter, load_adapter


@pytest.fixture
def saved(basic, tmp_path):
    return moved_adapter(basic.network(), "norms", "cells").save(tmp_path / "adapter")


@torch.no_grad()
def test_a_saved_adapter_gives_the_outputs_of_the_one_that_was_saved(any_base, tmp_path):
    base = any_base
    network, image = base.network(), base.image()
    before = network(image)
    adapter = moved_adapter(network, "norms", "lora", "gates", "cells", shape=base.shape)
    folder = adapter.save(tmp_path / "a")
    assert sorted(path.name for path in folder.iterdir()) == ["adapter.json", "adapter.pt"]
    loaded = load_adapter(folder)
    assert loaded.parts == adapter.parts
    assert loaded.describe() == adapter.describe()
    expected = apply_adapter(network, adapter)(image)
    assert expected.isfinite().all()
    assert not torch.allclose(expected, before, atol=1e-4)
    assert torch.equal(apply_adapter(network, folder)(image), expected)
    assert torch.equal(network(image), before)


@torch.no_grad()
def test_an_adapter_without_parts_is_the_network(basic):
    network, image = basic.network(), basic.image()
    adapter = moved_adapter(network)
    assert adapter.is_identity
    assert adapter.describe() == "none"
    assert torch.equal(apply_adapter(network, adapter)(image), network(image))


def test_an_adapter_of_other_weights_is_refused(basic, saved):
    network = basic.network()
    with torch.no_grad():
        next(network.parameters()).flatten()[0] += 1e-6
    with pytest.raises(AdapterError, match=r"is for 'BasicUNet' with weights sha256:.*changed"):
        apply_adapter(network, saved)
    apply_adapter(basic.network(), saved)


def test_the_digest_knows_nothing_of_the_memory_format(basic, saved):
    apply_adapter(basic.network().to(memory_format=torch.channels_last), saved)


@torch.no_grad()
def test_several_adapters_are_chosen_by_name(basic):
    network, image = basic.network(), basic.image()
    before = network(image)
    adapters = {
        "site_a": moved_adapter(network, "norms", seed=1),
        "site_b": moved_adapter(network, "cells", seed=2),
    }
    several = AdaptableNetwork(network, adapters).eval()
    assert torch.equal(several(image), before)
    alone = {name: apply_adapter(network, adapter)(image) for name, adapter in adapters.items()}
    for name, output in alone.items():
        assert torch.equal(several(image, adapter=name), output)
        with several.using(name):
            assert several.chosen == name
            assert torch.equal(several(image), output)
    several.choose("site_b")
    assert torch.equal(several(image), alone["site_b"])
    assert torch.equal(several(image, adapter="none"), before)
    with pytest.raises(AdapterError, match=r"'site_c' is unknown. Known: none, site_a, site_b"):
        several.choose("site_c")
    with pytest.raises(AdapterError, match="cannot be called 'none'"):
        AdaptableNetwork(network, {"none": adapters["site_a"]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 99}, "schema_version is 99"),
        ({"parts": None}, "parts must be a list"),
        ({"base": {"name": "x"}}, "field 'base.sha256' is missing"),
        ({"parts": [{"kind": 3}]}, r"parts\[0\].kind must be a string"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(saved, change, message):
    file = saved / "adapter.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(AdapterError, match=message) as caught:
        load_adapter(saved)
    assert str(file) in str(caught.value)


def test_an_unknown_kind_is_refused(basic, saved):
    file = saved / "adapter.json"
    content = json.loads(file.read_text())
    content["parts"][0]["kind"] = "magic"
    file.write_text(json.dumps(content))
    with pytest.raises(AdapterError, match="candidate 'magic' is unknown"):
        apply_adapter(basic.network(), saved)


def test_weights_that_were_exchanged_are_refused(basic, saved):
    other = moved_adapter(basic.network(), "norms", "cells", seed=5).save(saved.parent / "other")
    (saved / "adapter.pt").write_bytes((other / "adapter.pt").read_bytes())
    with pytest.raises(AdapterError, match="not those that were written with it"):
        load_adapter(saved)


def test_code_in_the_weights_is_not_run(saved):
    class Attack:
        def __reduce__(self):
            return (exec, ("raise SystemExit('attacked')",))

    torch.save({"0.x": Attack()}, saved / "adapter.pt", pickle_module=pickle)
    file = saved / "adapter.json"
    content = json.loads(file.read_text())
    import hashlib

    digest = hashlib.sha256((saved / "adapter.pt").read_bytes()).hexdigest()
    content["weights"]["sha256"] = f"sha256:{digest}"
    file.write_text(json.dumps(content))
    with pytest.raises(AdapterError, match="cannot be read as plain tensors"):
        load_adapter(saved)


@pytest.mark.parametrize("name", ["adapter.json", "adapter.pt"])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(AdapterError, match=name):
        load_adapter(saved)
