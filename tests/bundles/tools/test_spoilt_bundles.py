"""Every check finds what it is there for: a sound copy of three bundles, spoilt one by one."""

from __future__ import annotations

import pytest
from spoilt_bundles import (
    EVALUATE,
    HANDLERS,
    INFER,
    META,
    PRED,
    README,
    SEARCH,
    TRAIN,
    Spoil,
    add,
    delete,
    edit,
    foreign_weights,
    other_root,
    replace,
)

from tools.maintenance.verification import CHECKS, run_check

# check, stage, how the bundle is spoilt, words of the fault
SPOILT: list[tuple[str, str, Spoil, str]] = [
    ("files", "search", delete("LICENSE"), "LICENSE: is missing"),
    ("files", "search", add("LICENSE", b"mine"), "LICENSE: is not the repository's"),
    ("files", "train", delete(EVALUATE), "configs/evaluate.json: is missing"),
    ("files", "train", delete("configs/multi_gpu_train.json"), "multi_gpu_train.json: is missing"),
    ("files", "train", delete(INFER), "configs/inference.json: is missing"),
    ("files", "inference", delete("genotype.json"), "genotype.json: is missing"),
    ("files", "train", add("docs/data_license.txt", b"free"), "data_license.txt: has no 'Licence"),
    ("files", "train", add("configs/notes.txt", b"x"), "configs/notes.txt: is no config"),
    ("files", "train", add(EVALUATE, b'{"a": 1, "a": 2}'), "configs/evaluate.json: repeats"),
    ("files", "train", add("models/big.bin", bytes(25_000_001)), "models/big.bin: is larger"),
    ("schema", "train", edit(META, "supported_apps", []), "$.supported_apps"),
    ("schema", "train", edit(META, f"{PRED}#is_patch_data", "yes"), "is_patch_data"),
    ("metadata", "train", edit(META, "authors", ""), "metadata.json: authors is missing"),
    ("metadata", "train", edit(META, PRED, None), "outputs#pred is missing"),
    ("metadata", "train", edit(META, f"{PRED}#num_channels", 9), "num_channels is 9"),
    ("metadata", "train", edit(META, "description", "a $words"), "holds a '$'"),
    ("versions", "train", edit(META, "version", "0.0.9"), "0.0.9 is not in the changelog"),
    ("versions", "train", edit(META, "version", "0.10.0"), "0.10.0 has a part above 9"),
    ("versions", "train", edit(META, "monai_version", "1.0.0"), "monai is 1.0.0, tested with"),
    ("versions", "train", edit(META, "required_packages_version#scipy", "1"), "scipy is 1"),
    ("channels", "train", edit(META, f"{PRED}#channel_def#1", "liver"), "pred#channel_def"),
    ("channels", "train", edit(TRAIN, "in_channels", 3), "image#num_channels is 1, in_channels 3"),
    ("channels", "inference", edit(INFER, "pixdim", [2, 2, -1]), "inference.json: pixdim is [2"),
    ("channels", "inference", edit(INFER, "backbone", "unet"), "backbone is 'unet'"),
    ("targets", "train", edit(TRAIN, "loss#_target_", "DiceLos"), "loss: 'DiceLos' cannot be"),
    (
        "targets",
        "train",
        edit(TRAIN, "network_def#_target_", "iac_components.no"),
        "iac_components.no",
    ),
    ("targets", "train", edit(TRAIN, "optimizer#lrr", 1), "has no argument 'lrr'"),
    ("imports", "train", edit(TRAIN, "imports#0", "$import oss"), "'$import oss' fails"),
    ("imports", "train", edit(TRAIN, "imports#0", "$import os, sys"), "is not one '$import'"),
    ("imports", "train", edit(TRAIN, "imports#0", "$import shelve"), "'shelve' is never used"),
    (
        "references",
        "train",
        edit(TRAIN, "train#trainer#amp", "@amq"),
        "refers to 'amq'",
    ),
    ("references", "train", edit(EVALUATE, "run#0", "$@nothing.run()"), "evaluate.json: run#0"),
    (
        "references",
        "train",
        edit(TRAIN, "validate#dataloader#dataset", "@validate#inferer#roi_size"),
        "validate#dataloader#dataset",
    ),
    ("style", "train", edit(TRAIN, "dataset_dir", "/home/me/data"), "dataset_dir holds the path"),
    ("style", "train", edit(TRAIN, "late", 1), "initialize, run and finalize are not last"),
    ("style", "train", edit(TRAIN, "out_channels", "$" + "1+" * 120 + "1"), "out_channels: 242"),
    ("options", "train", edit(TRAIN, "late", 1), "the schema has no entry for 'late'"),
    (
        "options",
        "train",
        edit(EVALUATE, "run", ["$@session.check_data()", "$@checkpointloader()"]),
        "evaluate.json: the data are read before the weights are loaded",
    ),
    ("style", "train", edit(TRAIN, "device", "cpu"), "device does not follow the machine"),
    ("style", "train", edit(TRAIN, "amp", True), "amp does not follow the machine"),
    ("options", "train", edit(TRAIN, "initialize#0", "$None"), "does not begin with $@session"),
    (
        "options",
        "train",
        edit("configs/multi_gpu_train.json", "session", {"method": "dints"}),
        "multi_gpu_train.json: session#method is not iac",
    ),
    ("overrides", "train", replace(EVALUATE, "e#handlers", "e#handler"), "'validate#handler'"),
    ("overrides", "train", edit(EVALUATE, "epochz", 1), "'epochz' overrides nothing in train.json"),
    ("overrides", "train", edit("configs/multi_gpu_train.json", "devcie", "x"), "'devcie'"),
    ("overrides", "search", edit("configs/multi_gpu_search.json", "+import", []), "'+import'"),
    ("metrics", "train", edit(TRAIN, f"{HANDLERS}#1#metric_name", "val_dice"), "is 'val_dice'"),
    ("readme", "train", replace(README, "### **Tags**", "### **Labels**"), "headings are not"),
    ("readme", "train", replace(README, "--epochs", "--epoch"), "--epoch is no key of any config"),
    (
        "readme",
        "train",
        replace(README, "<dataset_dir> --resume", "<dataset_dir> --resum"),
        "no config has a key --resum",
    ),
    ("readme", "train", replace(README, "'configs/evaluate", "'configs/eval"), "configs/eval.json"),
    ("readme", "train", replace(README, "monai.bundle run", "monai.bundle rum"), "command 'rum'"),
    ("readme", "train", replace(README, "python -m monai", "pyhton -m monai"), "no command of"),
    ("readme", "train", replace(README, "--dataset_dir <dataset_dir> --skip", "--skip"), "no --da"),
    ("readme", "inference", replace(README, "--ckpt_file", "--weights"), "has no option --weights"),
    ("readme", "search", replace(README, "search_trace.csv", "trace.csv"), "name search_trace.csv"),
    ("architecture", "train", edit("genotype.json", "provenance#kind", "random"), "kind is random"),
    (
        "architecture",
        "train",
        edit("genotype.json", "provenance#note", "/home/me"),
        "path of a machine",
    ),
    ("architecture", "train", edit("genotype.json", "nodes#0#edges#0#operation", "mlp"), "mlp"),
    (
        "architecture",
        "inference",
        edit("genotype.json", "provenance#a", 1),
        "is not that of hippoc",
    ),
    ("weights", "train", foreign_weights, "only models/model.pt of an inference bundle"),
    ("weights", "inference", foreign_weights, "checkpoint of another network"),
    ("weights", "inference", replace(README, "No weights are", "None is"), "does not say"),
    ("net_in_out", "inference", edit(META, f"{PRED}#num_channels", 7), "match: `7`"),
    (
        "net_in_out",
        "train",
        edit(META, "network_data_format#inputs#image#num_channels", 4),
        "4 channels",
    ),
    ("properties", "train", edit(TRAIN, "train#inferer", None), "inferer"),
    (
        "properties",
        "inference",
        other_root,
        "bundle_root is",
    ),
]


@pytest.mark.parametrize(
    ("check", "stage", "spoil", "expected"),
    SPOILT,
    ids=[f"{check} {words}" for check, _, _, words in SPOILT],
)
def test_spoilt_bundle_is_found(copies, workbench, check, stage, spoil, expected):
    if check == "schema" and workbench.schema is None:
        pytest.skip("MONAI's schema of metadata is not here; set IAC_SCHEMA")
    if check not in ("properties", "net_in_out"):
        before = run_check(check, copies[stage], workbench)
        assert not before.faults, before.faults
    spoil(copies[stage])
    outcome = run_check(check, copies[stage], workbench)
    assert outcome.word == "FAILED"
    assert any(expected in fault for fault in outcome.faults), outcome.faults
    assert not any("\n" in fault for fault in outcome.faults)


# What differs from the cell search's bundles: files, names, the order of the network's keys.
SPOILT_DINTS: list[tuple[str, str, Spoil, str]] = [
    ("files", "train", delete("architecture.json"), "architecture.json: is missing"),
    ("channels", "train", edit(TRAIN, "dataset_name", "spleen"), "dataset_name is 'spleen'"),
    ("channels", "inference", edit(INFER, "patch_size", [32] * 3), "patch_size is [32"),
    ("style", "search", replace(SEARCH, '"budget": {', '"budge": {'), "keys are not in the"),
    (
        "readme",
        "search",
        replace(README, "search_summary.csv", "summary.csv"),
        "does not name search_summary.csv",
    ),
    (
        "architecture",
        "train",
        edit("architecture.json", "provenance#kind", "random"),
        "kind is random, not 'searched' or 'stand-in'",
    ),
    (
        "architecture",
        "train",
        replace(README, "is a stand-in", "is the best"),
        "the train bundle's README does not say so",
    ),
    (
        "architecture",
        "train",
        edit("architecture.json", "blocks#0#paths#0#operation", "mlp"),
        "mlp",
    ),
    ("architecture", "inference", edit("architecture.json", "provenance#a", 1), "is not that of"),
]


@pytest.mark.parametrize(
    ("check", "stage", "spoil", "expected"),
    SPOILT_DINTS,
    ids=[f"{check} {words}" for check, _, _, words in SPOILT_DINTS],
)
def test_spoilt_dints_bundle_is_found(dints_copies, workbench, check, stage, spoil, expected):
    assert not run_check(check, dints_copies[stage], workbench).faults
    spoil(dints_copies[stage])
    faults = run_check(check, dints_copies[stage], workbench).faults
    assert any(expected in fault for fault in faults), faults


def test_every_check_has_a_spoilt_bundle():
    # Export and the run have theirs in tests/bundles/collection/test_broken_runs.py.
    assert {check for check, *_ in SPOILT} | {"export", "run"} == set(CHECKS)
