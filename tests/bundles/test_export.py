"""The inference network leaves MONAI: shape check, TorchScript by the README's command, export."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import monai.bundle
import pytest
import torch
from monai.data import load_net_with_metadata

from iac_components.networks import load_weights


@pytest.fixture(scope="module")
def network(hippocampus_chain):
    """The trained inference network, and an image of another size than that of the training."""
    chain = hippocampus_chain
    _ = chain.predictions
    options = {"genotype_path": str(chain.genotype), "checkpoint": str(chain.ckpt)}
    folders = {"dataset_dir": str(chain.test_images), "output_dir": str(chain.root / "export")}
    workflow = chain.bundles.workflow("inference", {**options, **folders})
    workflow.initialize()
    network = workflow.parser.get_parsed_content("network_def")
    load_weights(network, chain.ckpt)
    return network.eval()


@pytest.mark.parametrize("n", [1, 2])
def test_network_is_as_the_metadata_say(chain, n):
    _ = chain.search
    (config,) = chain.bundles.configs("inference")
    monai.bundle.verify_net_in_out(
        net_id="network_def",
        meta_file=str(Path(config).with_name("metadata.json")),
        config_file=config,
        device="cpu",
        n=n,
        genotype_path=str(chain.genotype),
    )


def test_torchscript_by_the_command_of_the_readme(hippocampus_chain, network, tmp_path):
    chain = hippocampus_chain
    (config,) = chain.bundles.configs("inference")
    root = Path(config).parents[1]
    text = (root / "docs" / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^python -m monai\.bundle ckpt_export (.*)$", text, flags=re.MULTILINE)
    net_id, *words = shlex.split(command)
    options = dict(zip([word.removeprefix("--") for word in words[::2]], words[1::2], strict=True))
    options = {key: {"true": True, "false": False}.get(v.lower(), v) for key, v in options.items()}
    for name in ("meta_file", "config_file"):
        options[name] = str(root / options[name])
    options |= {"filepath": str(tmp_path / "model.ts"), "ckpt_file": str(chain.ckpt)}
    options |= {"genotype_path": str(chain.genotype), "backbone_def#features": [8] * 6}
    monai.bundle.ckpt_export(net_id=net_id, **options)

    exported, metadata, extra = load_net_with_metadata(
        tmp_path / "model.ts", more_extra_files=["inference.json"]
    )
    image = torch.rand(2, 1, 32, 48, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(exported.eval()(image), network(image), atol=1e-4, rtol=1e-4)
    assert metadata["version"] == "0.1.0"
    assert json.loads(extra["inference.json"])["dataset_name"] == "hippocampus"


def test_torch_export(network):
    image = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        exported = torch.export.export(network, (image,)).module()
        torch.testing.assert_close(exported(image), network(image), atol=1e-4, rtol=1e-4)
