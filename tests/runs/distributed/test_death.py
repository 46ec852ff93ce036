"""A rank that dies ends the job, and the job resumes from there."""

from __future__ import annotations

from pathlib import Path

from iac_components.search_space import load_genotype


def trace(folder: Path) -> list[str]:
    """The trace without its seconds."""
    lines = (folder / "search_trace.csv").read_text(encoding="utf-8").splitlines()
    return [line.rpartition(",")[0] for line in lines]


def test_death_ends_the_job_with_a_message(killed):
    assert killed.done.returncode != 0
    # What torchrun says of the rank that died.
    assert "exitcode  : 7" in killed.done.stderr
    assert "rank      : 1" in killed.done.stderr
    # What the survivor says, in one line, unless torchrun ended it before.
    told = "RankError: rank 0 of 2 lost the others" in killed.done.stderr
    assert told or "SIGTERM" in killed.done.stderr


def test_resumed_search_finds_what_it_would_have_found(killed, two_ranks):
    straight, _ = two_ranks.both("search", "steps")
    # The third epoch was begun, and had to be done again.
    for steps in two_ranks.both("resumed", "steps"):
        assert steps == [step for step in straight if step["epoch"] == 3]
    assert trace(killed.folder) == trace(two_ranks.root / "search")
    found, expected = (
        load_genotype(folder / "genotype.json")
        for folder in (killed.folder, two_ranks.root / "search")
    )
    assert found.digest == expected.digest
