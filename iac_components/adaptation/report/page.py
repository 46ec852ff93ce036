"""The page of an adaptation: what was measured, what is used, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from iac_components.adaptation.choice.statistics import UNSEEN_LOSS, by_patient, held_out_effects
from iac_components.adaptation.choice.trainings import Trainings
from iac_components.adaptation.choice.verdict import ArmEffect
from iac_components.adaptation.fitting.objective import Scores, paired_gain
from iac_components.adaptation.report.pictures import draw_case
from iac_components.adaptation.run import Adaptation
from iac_components.common.files import atomic_write, write_text
from iac_components.common.pages.blocks import (
    Block,
    Heading,
    Items,
    Paragraph,
    Picture,
    Table,
    to_html,
    to_markdown,
)
from iac_components.evaluation import finite_mean

__all__ = ["REPORT_HTML", "REPORT_MD", "write_report"]

REPORT_HTML = "report.html"
REPORT_MD = "report.md"
MOST_SITES = 12


def write_report(
    found: Adaptation, trainings: Trainings, folder: Path, remarks: Sequence[str] = ()
) -> tuple[Path, Path]:
    """Write ``report.html``, which needs no other file, and ``report.md`` with its pictures."""
    blocks = list(_blocks(found, trainings, remarks))
    for block in blocks:
        if isinstance(block, Picture):
            with atomic_write(folder / block.file) as stream:
                stream.write(block.png)
    write_text(folder / REPORT_MD, to_markdown(blocks))
    write_text(folder / REPORT_HTML, to_html(blocks))
    return folder / REPORT_HTML, folder / REPORT_MD


def _blocks(found: Adaptation, trainings: Trainings, remarks: Sequence[str]) -> Iterator[Block]:
    site, settings = trainings.site, trainings.settings
    yield Heading(f"Adapter for {found.adapter.base_name}", level=1)
    yield Paragraph(found.verdict.sentence, strong=True)
    yield Paragraph(
        f"{len(site.cases)} labelled cases of {len(site.patients)} patients, judged classes: "
        f"{', '.join(site.judged)}. Every number after the adaptation comes from a network that "
        f"was trained without the case's patient ({len(trainings.folds)} folds). Dice is measured "
        "on the grid that the bundle's preprocessing makes."
    )
    if remarks:
        yield Heading("Labels")
        yield Items(list(remarks))
    yield Heading("Candidates")
    yield _candidates(found, trainings)
    yield Paragraph(
        "Bounds hold for all candidates together: one-sided error "
        f"{settings.alpha:g} over {trainings.tried} candidate(s), Student's; a lower bound is no "
        f"higher than the mean would be with one more patient who loses {UNSEEN_LOSS:g} Dice at "
        f"full strength. A candidate is used if its lower bound is above {settings.least_gain:g}. "
        "At strength 0 it is the released network, at 1 what the training ended with; it is judged "
        f"at {', '.join(f'{strength:g}' for strength in settings.strengths)}, and a strength "
        "counts once all weaker ones gain, the strongest also by itself. Times are those of "
        f"inference over the released network's, at most {settings.max_cost:g}; of candidates that "
        f"gain and are equal, or within {settings.tolerance:g} of the best so far, the fastest is "
        "used, and of equally fast ones that with most values."
    )
    if found.after:
        yield from _before_and_after(found, trainings)
        yield from _pictures(found, trainings)
    if found.own_domain:
        yield Heading("The network's own domain")
        yield _case_table(
            {name: before for name, (before, _) in found.own_domain.items()},
            {name: after for name, (_, after) in found.own_domain.items()},
            site.judged,
        )
    yield Heading("What is put where")
    yield Items(_places(found))
    yield Heading("Cost at inference")
    yield _cost(found)


def _candidates(found: Adaptation, trainings: Trainings) -> Table:
    total = found.adapter.base_parameters
    own = any(effect.source is not None for effect in found.verdict.effects)
    header = ["candidate", "strength", "gain in Dice", "bounds", "values", "of the network", "time"]
    rows = []
    for effect in found.verdict.effects:
        name = effect.arm + (" (baseline)" if effect.baseline else "")
        if effect.note:
            row = [name, "", effect.note, "", "", "", ""]
        else:
            row = [
                f"{name} - used" if effect.arm == found.verdict.chosen else name,
                f"{effect.strength:g}",
                f"{effect.gain:+.3f}",
                _bounds(effect.low, effect.high),
                str(effect.parameters),
                f"{100 * effect.parameters / total:.2f} %",
                f"{effect.ratio:.2f}",
            ]
        rows.append(row + ([_own(effect)] if own else []))
    return Table([*header, *(["own domain"] if own else [])], rows)


def _own(effect: ArmEffect) -> str:
    if effect.source is None:
        return ""
    mean, low = effect.source
    return f"{mean:+.3f} (at least {_number(low)})"


def _before_and_after(found: Adaptation, trainings: Trainings) -> Iterator[Block]:
    site = trainings.site
    used = "the adapter" if found.verdict.chosen else f"{_shown(found)}, which is not used"
    yield Heading(f"Before and after: {used}")
    yield _case_table(found.before, found.after, site.judged)
    patients = {case.name: case.patient for case in site.cases}
    rows = []
    for index, name in enumerate(site.judged):
        before = {case: (scores[index],) for case, scores in found.before.items()}
        after = {case: (scores[index],) for case, scores in found.after.items()}
        gains = by_patient({c: paired_gain(before[c], after[c]) for c in before}, patients)
        # An interval of this class alone, 95 % two-sided.
        effect = held_out_effects(np.array([gains]), level=0.025)
        rows.append(
            [
                name,
                _number(finite_mean(value for (value,) in before.values())),
                _number(finite_mean(value for (value,) in after.values())),
                f"{effect.mean[0]:+.3f}",
                _bounds(float(effect.low[0]), float(effect.high[0])),
            ]
        )
    yield Table(["class", "Dice before", "Dice after", "gain", "95 % interval"], rows)


def _case_table(
    before: Mapping[str, Scores], after: Mapping[str, Scores], names: Sequence[str]
) -> Table:
    rows = []
    for case in before:
        cells = [
            f"{_number(old)} to {_number(new)}"
            for old, new in zip(before[case], after[case], strict=True)
        ]
        rows.append([case, *cells, f"{paired_gain(before[case], after[case]):+.3f}"])
    return Table(["case", *names, "gain"], rows)


def _pictures(found: Adaptation, trainings: Trainings) -> Iterator[Block]:
    """Draw the case that is worst after the adaptation, and the one in the middle."""
    site = trainings.site
    worst_first = sorted(found.after, key=lambda case: _mean(found.after[case]))
    chosen = {"worst": worst_first[0], "median": worst_first[len(worst_first) // 2]}
    by_name = {case.name: case for case in site.cases}
    yield Heading("Worst and median case")
    for word, name in chosen.items():
        case = by_name[name]
        before, after = (maps[name] for maps in found.predictions)
        maps = [
            ("label", site.objective.targets(case.label)),
            (f"released, Dice {_number(_mean(found.before[name]))}", before),
            (f"{_shown(found)}, Dice {_number(_mean(found.after[name]))}", after),
        ]
        png = draw_case(case, maps, site.judged)
        yield Picture(png, f"{word} case after the adaptation: {name}", f"report_{word}.png")


def _shown(found: Adaptation) -> str:
    effect = found.shown
    if effect is None:
        return "none"
    return effect.arm if effect.strength == 1 else f"{effect.arm} at {effect.strength:g}"


def _places(found: Adaptation) -> list[str]:
    if found.adapter.is_identity:
        return ["Nothing: the network is used as it was released."]
    items = []
    for part in found.adapter.parts:
        shown = ", ".join(part.sites[:MOST_SITES])
        rest = len(part.sites) - MOST_SITES
        more = f" and {rest} more" if rest > 0 else ""
        items.append(f"{part.kind}, {part.parameters} values, in {shown}{more}")
    return items


def _cost(found: Adaptation) -> Table:
    cost = found.cost
    return Table(
        ["", "released", "with the adapter"],
        [
            ["parameters", *(str(value) for value in cost.parameters)],
            ["ms a window", *(f"{value:.2f}" for value in cost.milliseconds)],
            ["times as long", "1.00", f"{cost.ratio:.2f}"],
        ],
    )


def _mean(scores: Scores) -> float:
    return finite_mean(scores)


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"


def _bounds(low: float, high: float) -> str:
    if not math.isfinite(low):
        return "unknown"
    return f"{low:+.3f} to {high:+.3f}"
