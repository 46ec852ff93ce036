"""The results of a DiNTS proof: its raw files and the section made of them.

    python -m studies.proof.write_dints --proof_dir DIR   # collect, then write
    python -m studies.proof.write_dints                   # write again from the raw files

``--proof_dir`` is a folder of ``studies.proof.run_dints``. Of it, what the page needs is copied;
the section is made from the copies alone. Run ``studies.proof.write_collection`` afterwards.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from iac_components.bundling.rendering.facts import BUNDLES, DINTS, Facts, read_json
from iac_components.common.files import write_text
from iac_components.common.markdown_table import markdown_table
from iac_components.dints import load_architecture
from studies.proof.run_dints import CONTROLS, SEARCHES
from studies.proof.tables import (
    compress_file,
    difference,
    interval,
    metrics_by_seed,
    read_cases,
    read_seeds,
    scores,
    write_cases,
)

RESULTS = Path(__file__).with_name("results")
TITLES = {
    "full": "search of full length",
    "pruned": "with stability pruning",
    "no_topology": "without topology loss",
    "strong_topology": "topology loss 50 times stronger",
    "small": "smaller budget",
    "large": "larger budget",
    "random": "random architecture (another one each seed)",
    "stand_in": "U-shaped stand-in",
    "dynunet": "DynUNet, 16 to 128 channels",
}
PICTURES = ("topology.png", "path_probabilities.png", "entropies.png", "expected_memory.png")
PICTURED = {"full": "search of full length", "pruned": "search with pruning"}
SEARCH_FILES = ("search_summary.csv", "architecture.json", "gap.json", "memory.json")


def collect(proof: Path, target: Path, *, pictures: Path) -> None:
    """Copy what the page needs to ``target``, and what a bundle's README shows to ``pictures``."""
    for name in SEARCHES:
        if not (proof / name / "gap.json").exists():
            continue
        folder = target / name
        folder.mkdir(parents=True, exist_ok=True)
        for file in SEARCH_FILES:
            shutil.copy(proof / name / file, folder / file)
        compress_file(proof / name / "search_trace.csv", folder / "search_trace.csv.gz")
        if name in PICTURED:
            shown = pictures / name
            shown.mkdir(parents=True, exist_ok=True)
            for picture in PICTURES:
                shutil.copy(proof / name / picture, folder / picture)
                shutil.copy(proof / name / picture, shown / picture)
    for arm, seeds in metrics_by_seed(proof / "scratch", (*SEARCHES, *CONTROLS)).items():
        write_cases(target / f"scratch_{arm}.csv", read_seeds(seeds))
        shutil.copy(
            next(iter(seeds.values())).parent / "network.json", target / f"network_{arm}.json"
        )
    shutil.copy(proof / "proof_settings.json", target / "proof_settings.json")


def search_rows(folder: Path, searches: Sequence[str]) -> Iterable[Sequence[str]]:
    """Yield the cost and the end of each search."""
    for name in searches:
        with (folder / name / "search_summary.csv").open(encoding="utf-8") as stream:
            epochs = list(csv.DictReader(stream))
        seconds = sum(float(row["seconds"]) for row in epochs)
        architecture = load_architecture(folder / name / "architecture.json")
        provenance = architecture.provenance
        yield (
            TITLES[name],
            str(len(epochs)),
            f"{seconds:.0f}",
            epochs[-1]["living_operations"],
            f"{provenance['chosen']} (epoch {provenance['epoch']})",
            str(sum(len(paths) for paths in architecture.blocks)),
        )


def memory_rows(folder: Path, searches: Sequence[str]) -> Iterable[Sequence[str]]:
    """Budget, model and measurement of each found architecture, the smallest budget first."""
    found = {name: load_architecture(folder / name / "architecture.json") for name in searches}
    facts = {name: cast(Facts, found[name].provenance["memory"]) for name in searches}
    budget = {name: float(str(facts[name]["budget_gigabytes"])) for name in searches}
    for name in sorted(searches, key=budget.__getitem__):
        measured = read_json(folder / name / "memory.json")
        used, saved, peak = (
            float(str(measured[key])) / 1e6
            for key in ("model_bytes", "saved_bytes", "peak_growth_bytes")
        )
        yield (
            TITLES[name],
            f"{budget[name] * 1e3:.1f}",
            f"{float(str(facts[name]['activation_gigabytes'])) * 1e3:.1f}",
            f"{used:.1f}",
            f"{saved:.1f}",
            f"{peak:.0f}",
        )


def training_rows(folder: Path) -> Iterable[Sequence[str]]:
    """Every arm trained from scratch."""
    runs = {
        arm: read_cases(path)
        for arm in (*SEARCHES, *CONTROLS)
        if (path := folder / f"scratch_{arm}.csv").exists()
    }
    for arm in runs:
        cost = json.loads((folder / f"network_{arm}.json").read_text(encoding="utf-8"))
        yield (
            TITLES[arm],
            f"{cost['parameters']:,}",
            f"{cost['flops'] / 1e9:.2f}",
            interval(scores(runs[arm], "dice"), scale=100, digits=2),
            interval(scores(runs[arm], "hd95"), scale=1, digits=2),
            difference(arm, runs, reference="full"),
        )


def section(folder: Path) -> str:
    """Render the section of a task from its raw files."""
    task = folder.name.removesuffix("_dints")
    settings = json.loads((folder / "proof_settings.json").read_text(encoding="utf-8"))
    searches = [name for name in SEARCHES if (folder / name).is_dir()]
    space = load_architecture(folder / searches[0] / "architecture.json").space
    gaps = {name: read_json(folder / name / "gap.json") for name in searches}
    gap_rows = []
    for name, gap in gaps.items():
        whole, discrete = (100 * float(str(gap[k])) for k in ("supernet_dice", "discrete_dice"))
        gap_rows.append(
            (TITLES[name], f"{whole:.2f}", f"{discrete:.2f}", f"{whole - discrete:.2f}")
        )
    cases = read_cases(next(folder.glob("scratch_*.csv")))
    patients, seeds = len(scores(cases, "dice")), ", ".join(s.removeprefix("seed") for s in cases)
    batch = settings["search_batch_size"]
    findings = (DINTS / "findings" / f"{task}.md").read_text(encoding="utf-8")
    return (
        f"### {task}, DiNTS: 3-D topology search\n\n"
        f"{findings}\n"
        f"Fold {settings['fold']}. The space has {space.num_blocks} blocks, {space.num_depths} "
        f"depths and {len(space.operations)} operations a path, `channel_mul` "
        f"{space.channel_mul:g}. A search has up to {settings['search_epochs']} epochs of "
        f"{settings['search_steps']} steps with {batch} patches, {settings['warmup_epochs']} of "
        "them to warm up, and a memory budget of "
        f"{settings['memory_fraction']:g} of the space unless the row says otherwise "
        f"({SEARCHES['small']['memory_fraction']} and {SEARCHES['large']['memory_fraction']}). "
        f"CPU, {settings['threads']} thread a run.\n\n"
        "**Searches.** Seconds of all epochs, validation included, taken beside other work: see "
        "the findings for the speed of pruning.\n\n"
        + markdown_table(
            (
                "search",
                "epochs",
                "seconds",
                "operations left",
                "architecture of",
                "its paths",
            ),
            search_rows(folder, searches),
        )
        + "\n**Discretization gap.** Mean Dice x 100 on the validation fold after the last epoch: "
        "the supernet, and the discrete network it decodes to with the same weights, without "
        "training.\n\n"
        + markdown_table(("search", "supernet", "discrete", "gap"), gap_rows)
        + "\n**Memory.** In MB (10^6 bytes). Budget and need are activations of the search's batch "
        f"of {batch}; the last three columns are those of a training batch of "
        f"{settings['memory_shape'][0]}: what the model says, what autograd was seen to keep, and "
        "how far the process's peak grew over three steps.\n\n"
        + markdown_table(
            ("search", "budget", "need", "model", "kept by autograd", "peak growth"),
            memory_rows(folder, searches),
        )
        + f"\n**Trained from scratch.** {settings['steps']} steps of {settings['batch_size']} "
        f"patches each, the final weights evaluated on {patients} patients, seeds: {seeds}.\n\n"
        + markdown_table(
            (
                "network",
                "parameters",
                "GFLOPs a patch",
                "Dice x 100 [95 % interval]",
                "HD95 mm [95 % interval]",
                "Dice points above the full search's, paired",
            ),
            training_rows(folder),
        )
        + "\n"
        + "\n".join(
            f"![{name.removesuffix('.png').replace('_', ' ')}, {title}](results/{search}/{name})"
            for search, title in PICTURED.items()
            for name in PICTURES
            if (folder / search / name).exists()
        )
        + "\n"
    )


def section_file(folder: Path) -> Path:
    """Return the file of a section, which rendering puts into the READMEs of the bundles."""
    return DINTS / "results" / f"{folder.name.removesuffix('_dints')}.md"


def main() -> None:
    """Collect if asked to, then write every section and the architectures to ship."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proof_dir", type=Path)
    proof: Path | None = parser.parse_args().proof_dir
    if proof is not None:
        settings = json.loads((proof / "proof_settings.json").read_text(encoding="utf-8"))
        task = settings["task"]
        bundle = BUNDLES / f"{task}_dints_segmentation_train"
        collect(proof, RESULTS / f"{task}_dints", pictures=bundle / "docs" / "results")
        found = RESULTS / f"{task}_dints" / "full" / "architecture.json"
        shutil.copy(found, DINTS / "architectures" / f"{task}.json")
    for folder in sorted(RESULTS.glob("*_dints")):
        write_text(section_file(folder), section(folder))


if __name__ == "__main__":
    main()
