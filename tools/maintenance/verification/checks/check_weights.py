"""The architecture and the weights that lie in a bundle: whole, and made for each other."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator

import torch

from iac_components.networks import load_weights
from tools.maintenance.verification.bundle import Bundle, read_json
from tools.maintenance.verification.checks.registry import Skipped, register_check
from tools.maintenance.verification.workbench import Workbench

__all__ = ["check_architecture", "check_weights"]


@register_check("architecture")
def check_architecture(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check that the shipped architecture has a provenance, is in both bundles and portable."""
    if bundle.stage == "search":
        raise Skipped("a search bundle ships none")
    method = bundle.method
    name = method.architecture_file
    path = bundle.root / name
    provenance = method.read_provenance(path)
    # Weights of the plain network come with a genotype without a cell, training starts with one.
    record = bundle.sibling("inference").root / "docs" / "weights.json"
    plain = record.exists() and read_json(record).get("skip_module") == "plain"
    # It may be that nobody searched around them, if their README says so.
    unsearched = plain and bundle.stage == "inference" and "was not searched" in bundle.readme()
    kinds = (*method.shipped_kinds, *(("stand-in",) if unsearched else ()))
    if provenance.get("kind") not in kinds:
        expected = "' or '".join(kinds)
        yield f"{name}: provenance#kind is {provenance.get('kind')}, not '{expected}'"
    if re.search(r'"/|\\\\|~', json.dumps(dict(provenance))):
        yield f"{name}: provenance holds the path of a machine"
    other = bundle.sibling("train" if bundle.stage == "inference" else "inference")
    if not plain and path.read_bytes() != (other.root / name).read_bytes():
        yield f"{name}: is not that of {other.name}"
    settings = provenance.get("settings")
    own = method.identity(bundle)
    searched_here = isinstance(settings, dict) and own.items() <= settings.items()
    elsewhere = not (unsearched or searched_here)
    if elsewhere and "stand-in" not in bundle.sibling("train").readme():
        yield f"{name}: was found elsewhere, and the train bundle's README does not say so"


@register_check("weights")
def check_weights(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check that shipped weights fit the architecture, or the README says there are none."""
    found = [bundle.where(path) for path in sorted(bundle.root.rglob("*.pt"))]
    if found not in ([], ["models/model.pt"]) or (found and bundle.stage != "inference"):
        yield f"{', '.join(found)}: only models/model.pt of an inference bundle is shipped"
    said = "No weights are shipped" in bundle.readme()
    if bundle.stage == "inference" and said is bool(found):
        yield f"docs/README.md: {'says' if said else 'does not say'} that no weights are shipped"
    licence = (bundle.root / "docs" / "data_license.txt").read_text(encoding="utf-8")
    if found and re.search(r"non-?commercial", licence, re.IGNORECASE):
        yield "models/model.pt: the licence of the data (docs/data_license.txt) does not allow it"
    if not found:
        raise Skipped("no weights are shipped")
    path = bundle.root / "models" / "model.pt"
    network = workbench.network(bundle)
    load_weights(network, path)
    if not all(bool(torch.isfinite(value).all()) for value in network.state_dict().values()):
        yield "models/model.pt: holds values that are not finite"
    notes = json.loads((bundle.root / "docs" / "weights.json").read_text(encoding="utf-8"))
    if notes["sha256"] != hashlib.sha256(path.read_bytes()).hexdigest():
        yield "docs/weights.json: sha256 is not that of models/model.pt"
