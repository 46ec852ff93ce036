"""Halves of a fold's training cases, by patient."""

from __future__ import annotations

import pytest

from iac_components.nnunet.searching.halves import patients_of, split_halves

CASES = [f"case_{number:02d}" for number in range(12)]


def test_no_patient_is_in_both_halves(tmp_path):
    table = tmp_path / "groups.csv"
    rows = [f"{case},subject_{number // 3}" for number, case in enumerate(CASES)]
    table.write_text("case,subject_group\n" + "\n".join(rows) + "\n")
    patients = patients_of(CASES, table)
    halves = split_halves(CASES, patients, seed=0, fold=0)
    assert sorted(halves["weights"] + halves["architecture"]) == CASES
    names = [{patients[case] for case in half} for half in halves.values()]
    assert not names[0] & names[1]
    assert len(names[0]) == len(names[1]) == 2


def test_seed_and_fold_draw_other_halves_and_the_same_again():
    patients = patients_of(CASES, None)
    drawn = [
        split_halves(CASES, patients, seed=seed, fold=fold)["weights"]
        for seed, fold in ((0, 0), (0, 0), (1, 0), (0, 1), (0, "all"))
    ]
    assert drawn[0] == drawn[1]
    assert len({tuple(half) for half in drawn}) == 4


def test_missing_rows_and_patients_are_named(tmp_path):
    table = tmp_path / "groups.csv"
    table.write_text("case,subject_group\ncase_00,a\n")
    with pytest.raises(ValueError, match="no subject_group for case 'case_01'"):
        patients_of(CASES, table)
    with pytest.raises(ValueError, match="fold 2 has 1 to train on"):
        split_halves(CASES, dict.fromkeys(CASES, "one"), seed=0, fold=2)
