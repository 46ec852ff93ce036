"""The decoder's benchmark measures pairs, says where, and fails if the decoders disagree."""

from __future__ import annotations

import json

import pytest

import studies.search_cost.dints.decoding as benchmark_decoding

TINY = ["--num_blocks", "2", "--num_depths", "2", "--repeats", "2"]


def test_record(tmp_path, capsys):
    path = tmp_path / "record.json"
    assert benchmark_decoding.main([*TINY, "--out", str(path)]) == 0
    record = json.loads(path.read_text(encoding="utf-8"))
    assert json.loads(capsys.readouterr().out) == record
    assert record["agree"] is True
    assert {"cpu", "torch", "numpy", "threads", "load_average"} <= set(record["machine"])
    ours, theirs = record["ours_seconds"], record["monai_seconds"]
    assert len(ours["all"]) == len(theirs["all"]) == 2
    assert ours["minimum"] == min(ours["all"])
    assert record["ratio_of_minima"] == pytest.approx(theirs["minimum"] / ours["minimum"])
    assert record["ratio_of_medians"] == pytest.approx(theirs["median"] / ours["median"])


def test_disagreement_is_a_failure(monkeypatch, capsys):
    real = benchmark_decoding.decode
    monkeypatch.setattr(benchmark_decoding, "decode", lambda s, p, o: real(s, 1 - p, o))
    assert benchmark_decoding.main(TINY) == 1
    assert json.loads(capsys.readouterr().out)["agree"] is False


def test_no_repeats(capsys):
    with pytest.raises(SystemExit):
        benchmark_decoding.main(["--repeats", "0"])
    assert "--repeats must be at least 1, got 0" in capsys.readouterr().err
