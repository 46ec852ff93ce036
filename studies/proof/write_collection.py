"""One page of results for the whole collection, ``docs/RESULTS.md``, from raw files.

    python -m studies.proof.write_collection --proof_dir DIR   # collect, then write
    python -m studies.proof.write_collection                   # write again from the raw files

``--proof_dir`` holds one folder of ``studies.proof.run`` for each combination, named
``<dataset>_<backbone>``; what the page needs of them is copied to ``results``. The page and
the sections of the bundles' READMEs are made from ``results`` alone.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from iac_components.bundling.rendering.facts import DINTS, IAC
from iac_components.common.files import write_json, write_text
from iac_components.search_space import load_genotype
from studies.proof.run import SCRATCH
from studies.proof.tables import (
    Records,
    arm_title,
    compress_file,
    difference,
    interval,
    metrics_by_seed,
    read_cases,
    read_seeds,
    scores,
    search_row,
    write_cases,
)

PAGE = Path(__file__).parents[2] / "docs" / "RESULTS.md"
RESULTS = Path(__file__).with_name("results")
INTRODUCTION = """# Results of the collection

Made by `python -m studies.proof.run` and `python -m studies.proof.write_collection` from the raw
files in [studies/proof/results](../studies/proof/results) (every case of every arm and seed, the
searches' traces, genotypes and pictures). How the pruned search compares with the full-length one,
and what further training of a trained backbone gives, was measured for the `unet` bundles of
[hippocampus](../bundles/hippocampus_unet_iac_segmentation_train/docs/RESULTS.md) and
[ACDC](../bundles/acdc_unet_iac_segmentation_train/docs/RESULTS.md). BraTS, KiTS and AMOS were not
measured: no copy of them was at hand; their bundles were run on synthetic data alone. The topology
search (DiNTS) was measured on hippocampus: the last section.

What serves several tables: the random cell is the draw of seed 0 from a space that all pairs share,
so the eight tables hold one random cell, not eight. The backbone and the search of the `unet` pairs
are those of the two pages above; the backbones of `unet` and `resnet` are also those that
[BENCHMARKS.md](BENCHMARKS.md) searches on.
"""


def collect(proof: Path, target: Path) -> None:
    """Copy what the page needs of one combination's proof."""
    folders = metrics_by_seed(proof / "scratch", SCRATCH)
    if not any(folders.values()):
        raise ValueError(f"'{proof / 'scratch'}' has no seed that every arm was evaluated with.")
    for arm, seeds in folders.items():
        write_cases(target / f"scratch_{arm}.csv", read_seeds(seeds))
        network = next(iter(seeds.values())).parent / "network.json"
        if network.exists():
            shutil.copy(network, target / f"network_{arm}.json")
    write_cases(target / "base.csv", read_seeds({"seed0": proof / "base" / "eval"}))
    search = proof / "search_pruned"
    compress_file(search / "search_trace.csv", target / "search_trace.csv.gz")
    for name in ("genotype.json", "cell.png", "probability_curves.png"):
        shutil.copy(search / name, target / name)
    settings = json.loads((proof / "proof_settings.json").read_text(encoding="utf-8"))
    write_json(target / "proof_settings.json", settings)


def arm_row(arm: str, folder: Path, runs: Mapping[str, Mapping[str, Records]]) -> str:
    """One row of a combination's table; differences are paired by patient."""
    path = folder / f"network_{arm}.json"
    cost = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    size = f"{cost['parameters']:,} | {cost['flops'] / 1e9:.3f}" if cost else "- | -"
    dice = interval(scores(runs[arm], "dice"), scale=100, digits=2)
    distance = interval(scores(runs[arm], "hd95"), scale=1, digits=2)
    above = difference(arm, runs, reference="plain")
    return f"| {arm_title(arm, runs[arm])} | {size} | {dice} | {distance} | {above} |"


def section(folder: Path) -> str:
    """Search and table of one combination, from its raw files."""
    runs = {
        arm: read_cases(path) for arm in SCRATCH if (path := folder / f"scratch_{arm}.csv").exists()
    }
    settings = json.loads((folder / "proof_settings.json").read_text(encoding="utf-8"))
    dataset, _, backbone = folder.name.partition("_")
    genotype = load_genotype(folder / "genotype.json")
    network = settings.get("network") or {}
    changed = "".join(f", `{key}` {value}" for key, value in network.items())
    seeds = ", ".join(seed.removeprefix("seed") for seed in next(iter(runs.values())))
    rows = "\n".join(arm_row(arm, folder, runs) for arm in runs)
    base = interval(scores(read_cases(folder / "base.csv"), "dice"), scale=100, digits=2)
    each = settings["steps_per_epoch"]
    steps = max(1, round(settings["scratch_steps"] / each)) * each
    patients = len(scores(next(iter(runs.values())), "dice"))
    return (
        f"### {dataset}, {backbone}: skip modules on the same budget\n\n"
        f"Fold {settings['fold']}, {patients} test patients, seed {seeds}; "
        f"{steps} steps from scratch each, the weights of the last step "
        f"evaluated{changed}. The cell was searched on a plain backbone of "
        f"{settings['base_steps']} steps (Dice x 100: {base}), kept frozen. "
        f"{settings.get('note', '')}\n\n"
        "| skip module | parameters | GFLOPs a patch | Dice x 100 [95 % interval] "
        "| HD95 mm [95 % interval] | Dice points above plain, paired [95 % interval] |\n"
        f"| --- | ---: | ---: | --- | --- | --- |\n{rows}\n\n"
        "| search | epochs | stop reason | seconds |\n| --- | ---: | --- | ---: |\n"
        f"{search_row('with stability pruning', genotype)}\n"
    )


def cell_folders() -> list[Path]:
    """List the raw files of every pair of data set and backbone that was measured."""
    return sorted(path.parent for path in RESULTS.glob("*/genotype.json"))


def section_file(folder: Path) -> Path:
    """Return the file of a section, which rendering puts into the READMEs of the bundles."""
    return IAC / "results" / f"{folder.name}.md"


def page() -> str:
    """Render the page; a topology search's section is ``studies.proof.write_dints``'s."""
    findings = (IAC / "collection.findings.md").read_text(encoding="utf-8")
    topologies = sorted((DINTS / "results").glob("*.md"))
    return "\n".join(
        [
            INTRODUCTION,
            findings,
            *(section(folder) for folder in cell_folders()),
            *(_from_docs(path) for path in topologies),
        ]
    )


def _from_docs(section: Path) -> str:
    """Read a section, its pictures' paths as seen from the page."""
    text = section.read_text(encoding="utf-8")
    return text.replace("](results/", f"](../studies/proof/results/{section.stem}_dints/")


def main() -> None:
    """Collect if asked to, then write the page, the sections and the genotypes to ship."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proof_dir", type=Path)
    proof: Path | None = parser.parse_args().proof_dir
    if proof is not None:
        for folder in sorted(path for path in proof.iterdir() if (path / "scratch").is_dir()):
            collect(folder, RESULTS / folder.name)
            source = IAC / "genotypes" / f"{folder.name}.json"
            shutil.copy(folder / "search_pruned" / "genotype.json", source)
    for folder in cell_folders():
        write_text(section_file(folder), section(folder))
    write_text(PAGE, page())


if __name__ == "__main__":
    main()
