"""An adaptation into a folder: plan, progress, interruption, resume, files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from iac_components.adaptation.adapter.base_network import network_name
from iac_components.adaptation.checks import remarks
from iac_components.adaptation.choice.trainings import Trainings
from iac_components.adaptation.report.page import write_report
from iac_components.adaptation.run import Adaptation, decide, estimate_seconds
from iac_components.adaptation.settings import AdaptSettings
from iac_components.adaptation.site import Site
from iac_components.common.files import write_json
from iac_components.engine import OwnedFolders, until_signal

__all__ = ["ADAPTER_FOLDER", "adapt_site"]

ADAPTER_FOLDER = "adapter"
TRAININGS_FOLDER = "trainings"
RESULT_JSON = "result.json"


def adapt_site(
    site: Site, settings: AdaptSettings, output_dir: str | Path | None = None
) -> Adaptation:
    """Adapt a network to a site, or find that it is best kept as it is.

    Every training is written down when it has ended, so that the same call resumes after an
    interruption; what depends on other weights, cases or settings is repeated.

    Args:
        site: network and cases.
        settings: how an adapter is looked for.
        output_dir: gets ``adapter/``, ``report.html``, ``report.md``, ``result.json`` and
            ``trainings/``; None writes nothing.

    Raises:
        FolderInUseError: if another process writes into ``output_dir``.
        SystemExit: after SIGINT or SIGTERM, once the step at work has ended.
    """
    if output_dir is None:
        return _decide(site, settings, None)
    folders = OwnedFolders(output_dir=output_dir)
    folders.claim()
    folder = Path(output_dir).expanduser().absolute()
    try:
        return _decide(site, settings, folder)
    finally:
        folders.release()


def _decide(site: Site, settings: AdaptSettings, folder: Path | None) -> Adaptation:
    where = "" if folder is None else f" in '{folder}'"
    kept = f"finished trainings are kept{where}. Start it again to resume."
    with until_signal(kept) as stop:
        trainings = Trainings(
            site,
            settings,
            folder=None if folder is None else folder / TRAININGS_FOLDER,
            after_step=stop,
        )
        notes = remarks(site.cases, site.class_names, site.objective.classes)
        for line in _plan(trainings, notes):
            print(line, flush=True)
        found = decide(trainings)
        if folder is not None:
            _write(found, trainings, folder, notes)
    print(f"\n{found.verdict.sentence}", flush=True)
    return found


def _plan(trainings: Trainings, notes: Sequence[str]) -> list[str]:
    site = trainings.site
    lines = [
        f"Network: {site.name or network_name(site.network)}, classes {', '.join(site.judged)}.",
        f"Site: {len(site.cases)} cases of {len(site.patients)} patients, held out in "
        f"{len(trainings.folds)} folds.",
        *(f"Label {note}" for note in notes),
    ]
    left_out: dict[str, list[str]] = {}
    for arm in trainings.settings.arms:
        if arm in trainings.plans:
            plan = trainings.plans[arm]
            time = "" if plan.ratio == 1 else f", {plan.ratio:.2f} times as long at inference"
            lines.append(f"  {arm}: {plan.parameters} values in {plan.places} places{time}.")
        else:
            left_out.setdefault(trainings.notes[arm], []).append(arm)
    lines += [f"  {', '.join(arms)}: left out ({why})." for why, arms in left_out.items()]
    missing, total = len(trainings.missing), len(trainings.units)
    done = f", {total - missing} of them done already" if missing < total else ""
    minutes = estimate_seconds(trainings) / 60
    steps = f"{trainings.settings.steps} steps{' in bfloat16' if trainings.settings.amp else ''}"
    lines.append(
        f"Plan: {total} trainings of {steps}{done}, at most about {max(minutes, 0.1):.1f} minutes."
    )
    return lines


def _write(found: Adaptation, trainings: Trainings, folder: Path, notes: Sequence[str]) -> None:
    found.adapter.save(folder / ADAPTER_FOLDER)
    write_json(
        folder / RESULT_JSON,
        {
            **found.verdict.plain(),
            "cost": found.cost.plain(),
            "seconds_of_trainings": round(found.seconds, 1),
            "settings": trainings.settings.plain(),
            "cases": {
                case: {
                    "before": _scores(found.before[case]),
                    "after": _scores(found.after.get(case, ())),
                }
                for case in found.before
            },
        },
    )
    write_report(found, trainings, folder, notes)


def _scores(scores: Sequence[float]) -> list[float | None]:
    return [None if value != value else value for value in scores]
