"""Turn the raw files of ``studies.proof.run`` into a bundle's results page.

    python -m studies.proof.write --bundle hippocampus_unet --proof_dir DIR

Writes ``docs/RESULTS.md`` of the train bundle and, below ``docs/results``, the raw files it was
made from: every case of every arm and seed, the comparisons, both search traces and pictures.
``tools/render_bundles.py`` puts the genotype into the bundles afterwards.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import statistics
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from iac_components.bundling.rendering.facts import IAC
from iac_components.common.files import write_json, write_text
from iac_components.common.files.tensor_files import write_tensors
from iac_components.evaluation import average_seeds, compare_runs, render_markdown
from iac_components.networks import load_state
from iac_components.search_space import load_genotype
from iac_components.visualization import rank_chosen_operations, read_trace
from studies.proof.tables import (
    Records,
    arm_title,
    compress_file,
    interval,
    metrics_by_seed,
    read_seeds,
    scores,
    search_row,
    seed_means,
    write_cases,
)

BUNDLES = Path(__file__).parents[2] / "bundles"
PROTOCOLS = {
    "scratch": ("plain", "found", "random", "full_length"),
    "implanted": ("continued", "found_frozen", "found_all", "random_frozen"),
}
TITLES = {
    "scratch": "From scratch",
    "implanted": "Implanted: further steps from one trained plain backbone",
}


def count_parameters(checkpoint: Path) -> int:
    """Weights in a checkpoint, running statistics left out."""
    state = load_state(checkpoint)
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    return sum(value.numel() for key, value in state.items() if not key.endswith(buffers))


def arm_row(arm: str, folders: Mapping[str, Path], by_seed: Mapping[str, Records]) -> str:
    """One row of a protocol's table."""
    first = next(iter(folders.values()))
    parameters = count_parameters(first.parent / "models" / "model_final.pt")
    return (
        f"| {arm_title(arm, by_seed)} | {parameters:,} | "
        f"{interval(scores(by_seed, 'dice'), scale=100, digits=2)} | {seed_means(by_seed)} | "
        f"{interval(scores(by_seed, 'hd95'), scale=1, digits=2)} |"
    )


def protocol_section(root: Path, protocol: str, results: Path) -> str:
    """Table and paired comparison of a protocol; writes its raw files."""
    folders = metrics_by_seed(root / protocol, PROTOCOLS[protocol])
    measured = {arm: read_seeds(seeds) for arm, seeds in folders.items()}
    for arm, by_seed in measured.items():
        write_cases(results / f"{protocol}_{arm}.csv", by_seed)
    runs = {arm_title(arm, by_seed): average_seeds(by_seed) for arm, by_seed in measured.items()}
    comparison = compare_runs(runs)
    write_json(results / f"{protocol}_comparison.json", comparison.to_json())
    rows = "\n".join(arm_row(arm, folders[arm], measured[arm]) for arm in measured)
    names = ", ".join(seed.removeprefix("seed") for seed in next(iter(measured.values())))
    tables = render_markdown(comparison).replace("### ", "#### ")
    return (
        f"### {TITLES[protocol]}\n\nSeeds: {names}.\n\n"
        "| arm | parameters | Dice x 100 [95 % interval] | by seed | HD95 mm [95 % interval] |\n"
        f"| --- | ---: | --- | --- | --- |\n{rows}\n\n"
        f"{found_against_full_length(runs)}"
        f"Paired by patient, seeds averaged:\n\n{tables}\n"
    )


def found_against_full_length(runs: Mapping[str, Records]) -> str:
    """One sentence: is the cell of the pruned search as good as that of the full-length one?"""
    full, found = (arm_title(arm, ()) for arm in ("full_length", "found"))
    if full not in runs or found not in runs:
        return ""
    rows = compare_runs({full: runs[full], found: runs[found]}, metrics=("dice",)).rows
    paired = next(row.paired for row in rows if row.class_name is None)
    if paired is None:
        return ""
    difference, low, high = (100 * v for v in (paired.mean_difference, paired.lower, paired.upper))
    verdict = "non-inferior" if paired.non_inferior else "not shown to be non-inferior"
    return (
        f"The cell of the pruned search against that of the full-length search: "
        f"{difference:+.2f} [{low:+.2f}, {high:+.2f}] Dice points, {verdict} at 0.5.\n\n"
    )


def search_section(root: Path, results: Path) -> str:
    """Time of both searches and when the chosen operations led; writes traces and pictures."""
    pruned = load_genotype(root / "search_pruned" / "genotype.json")
    full = load_genotype(root / "search_full" / "genotype.json")
    for name in ("search_pruned", "search_full"):
        folder = root / name
        shutil.copy(folder / "genotype.json", results / f"{name}_genotype.json")
        compress_file(folder / "search_trace.csv", results / f"{name}_trace.csv.gz")
        for picture in ("probability_curves", "divergence_curves", "cell", "top_k"):
            shutil.copy(folder / f"{picture}.png", results / f"{name}_{picture}.png")
    seconds = [float(str(g.provenance["seconds"])) for g in (pruned, full)]
    epochs = [int(str(g.provenance["epochs"])) for g in (pruned, full)]
    trace = read_trace(root / "search_full" / "search_trace.csv")
    top = rank_chosen_operations(trace)
    pace = float(np.quantile(trace.seconds, 0.1)) * epochs[1]
    last = epochs[1]
    stays = {k: sorted(e or last for e in top.stays_from_epochs(k)) for k in (1, 2, 3)}
    lines = "\n".join(
        f"- top {k}: half of them for good by epoch {statistics.median_low(stays[k])}, "
        f"all by epoch {stays[k][-1]}"
        for k in (3, 2, 1)
    )
    same = "the same genotype" if pruned.digest == full.digest else "another genotype"
    settings = pruned.provenance["settings"]
    return (
        "### Search\n\n"
        "| search | epochs | stop reason | seconds |\n| --- | ---: | --- | ---: |\n"
        f"{search_row('with stability pruning', pruned)}\n"
        f"{search_row('full length', full)}\n\n"
        f"Ratio full length / pruned: {seconds[1] / seconds[0]:.1f}x in seconds as recorded, "
        f"{epochs[1] / epochs[0]:.1f}x in epochs. The machine had other work during parts of the "
        "full-length search; had all its epochs been as quick as its fastest tenth, it would have "
        f"taken {pace:.0f} s, which leaves **{pace / seconds[0]:.1f}x** as the cautious figure. "
        f"The full-length search found {same}. Same data, "
        f"machine ({pruned.provenance['device']}, {pruned.provenance['threads']} thread), seed and "
        "settings but for pruning. The seconds are those of all epochs, pruning included; start-up "
        "and reading the data are not.\n\n"
        "In the full-length search, the operations finally chosen were among their edge's\n\n"
        f"{lines}\n\n"
        "![cell](results/search_pruned_cell.png)\n\n"
        "![probabilities](results/search_pruned_probability_curves.png)\n\n"
        "![divergence](results/search_pruned_divergence_curves.png)\n\n"
        f"<details><summary>Settings of the search</summary>\n\n```json\n"
        f"{json.dumps(settings, indent=2)}\n```\n\n</details>\n"
    )


def ship(root: Path, bundle: str, arm: str) -> None:
    """Put the found genotype into the sources, and weights where the licence of the data allows."""
    shutil.copy(root / "search_pruned" / "genotype.json", IAC / "genotypes" / f"{bundle}.json")
    facts = IAC / "datasets" / f"{bundle.rpartition('_')[0]}.metadata.json"
    if not json.loads(facts.read_text(encoding="utf-8"))["weights_may_be_shared"]:
        return
    inference = BUNDLES / f"{bundle}_iac_segmentation_inference"
    state = load_state(root / arm / "models" / "model_final.pt")
    write_tensors(inference / "models" / "model.pt", {"model": state})
    digest = hashlib.sha256((inference / "models" / "model.pt").read_bytes()).hexdigest()
    summary = json.loads((root / arm / "eval" / "metrics.json").read_text(encoding="utf-8"))
    write_json(
        inference / "docs" / "weights.json",
        {"file": "models/model.pt", "sha256": digest, "arm": arm, "test": summary["summary"]},
    )


def main() -> None:
    """Write the results page, and put what was found into the bundles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--proof_dir", type=Path, required=True)
    parser.add_argument("--weights_of", default="implanted/found_all/seed0", help="arm to ship")
    arguments = parser.parse_args()
    docs = BUNDLES / f"{arguments.bundle}_iac_segmentation_train" / "docs"
    results = docs / "results"
    results.mkdir(parents=True, exist_ok=True)
    root: Path = arguments.proof_dir
    settings = json.loads((root / "proof_settings.json").read_text(encoding="utf-8"))
    write_json(results / "proof_settings.json", settings)
    findings = IAC / "datasets" / f"{arguments.bundle.rpartition('_')[0]}.findings.md"
    sections = [findings.read_text(encoding="utf-8"), search_section(root, results)]
    sections += [
        protocol_section(root, name, results) for name in PROTOCOLS if (root / name).exists()
    ]
    budget = (
        f"Fold {settings['fold']}; {settings['base_steps']} steps for "
        f"the trained backbone, {settings['scratch_steps']} from scratch, "
        f"{settings['implanted_steps']} further steps when implanted; every arm with the same "
        "batches, augmentation and schedule. The weights of the last step are evaluated, nothing "
        "is selected on the test fold. Raw files: `docs/results` of the train bundle; made by "
        "`python -m studies.proof.run` and `python -m studies.proof.write`.\n"
    )
    write_text(docs / "RESULTS.md", "\n".join([*sections[:1], budget, *sections[1:]]))
    ship(root, arguments.bundle, arguments.weights_of)


if __name__ == "__main__":
    main()
