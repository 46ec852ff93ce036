"""The command as it is typed: one line, before anything is read or written; and what gets through.

Each start of MONAI's command takes seconds, so what the options mean is tried in the other files.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from options_checks import FirstStep, config_files

IAC, DINTS = "hippocampus_unet_iac_segmentation", "hippocampus_dints_segmentation"


@pytest.mark.parametrize(
    ("files", "words", "line"),
    [
        (
            config_files(f"{IAC}_search"),
            ["--epoch", "3"],
            "OptionError: --epoch is unknown: no config file of this run has a key 'epoch'. "
            "The nearest known key is --epochs.",
        ),
        (
            config_files(f"{DINTS}_train", "evaluate"),
            ["--patch_size", "[8,8]"],
            "OptionError: --patch_size is [8, 8]: it must be a list of 3 whole numbers that the "
            "network can halve at each depth.",
        ),
    ],
)
def test_one_line_and_nothing_written(tmp_path, files, words, line):
    out = tmp_path / "out"
    run = ["-m", "monai.bundle", "run", "--config_file", str(files), "--output_dir", str(out)]
    done = subprocess.run(
        [sys.executable, *run, "--dataset_dir", str(tmp_path / "none"), *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert line in done.stderr.splitlines()
    assert not out.exists()


@pytest.mark.parametrize(
    ("bundle", "where"),
    [
        (f"{IAC}_search", ("train::trainer::amp",)),
        (f"{IAC}_train", ("train::trainer::amp", "validate::evaluator::amp")),
        (f"{IAC}_inference", ("evaluator::amp",)),
        (f"{DINTS}_search", ("train::trainer::amp", "validate::evaluator::amp")),
        (f"{DINTS}_train", ("train::trainer::amp", "validate::evaluator::amp")),
        (f"{DINTS}_inference", ("evaluator::amp",)),
    ],
)
@pytest.mark.parametrize(("typed", "meant"), [("false", False), ("True", True), (False, False)])
def test_mixed_precision_is_what_was_typed(bundle, where, typed, meant):
    workflow = FirstStep(config_files(bundle), logging_file=False, amp=typed)
    workflow.initialize()
    assert [workflow.parser.get_parsed_content(name) for name in where] == [meant] * len(where)


def test_no_regions_may_be_typed():
    files = config_files(f"{IAC}_train", "evaluate")
    workflow = FirstStep(files, logging_file=False, regions="null", genotype_path="null")
    workflow.initialize()
    for name in ("regions", "info::genotype"):
        assert workflow.parser.get_parsed_content(f"validate::handlers::1::{name}") is None
