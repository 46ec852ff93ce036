"""Control of a run with cells: the plain network, trained as long from the same backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from iac_components.bundling.options import OptionError
from iac_components.interface.running.chain import run_stages
from iac_components.interface.running.stages import Stage
from iac_components.search_space import load_genotype

__all__ = ["CONTROL", "control_stages", "is_plain", "require_control", "run_control"]

CONTROL = "control"
"""Name of the folder, and of the first stage."""


def control_stages(stages: Sequence[Stage]) -> list[Stage]:
    """List the stages that train and score the control.

    The control starts from the run's backbone and is trained as the network with cells is: the
    same steps, rates and seed. Where only the cells are trained, it is the backbone as it is. The
    largest components that the run decided to keep are kept of it, too.

    Args:
        stages: those of the run, with their options.

    Returns:
        One stage or two; none where the run has no backbone or tests nobody.
    """
    named = {stage.name: stage for stage in stages}
    if not {"backbone", "train", "evaluate"} <= named.keys():
        return []
    backbone, train, evaluate = (named[name] for name in ("backbone", "train", "evaluate"))
    folder = evaluate.result.parents[1] / CONTROL
    models = folder / "models"
    made = []
    if _is_true(train.options.get("frozen_backbone")):
        models = backbone.result.parent
    else:
        made.append(
            Stage(
                CONTROL,
                "train the plain network as long, without a cell",
                train.configs,
                _plain(train, {"output_dir": folder, "ckpt_dir": models}),
                models / train.result.name,
                resumes=True,
            )
        )
    scores = folder / "evaluate"
    made.append(
        Stage(
            "control_scores",
            "score the plain network on the same patients",
            evaluate.configs,
            _plain(evaluate, {"output_dir": scores, "ckpt_dir": models}),
            scores / evaluate.result.name,
        )
    )
    return made


def _plain(stage: Stage, folders: Mapping[str, object]) -> dict[str, object]:
    """Return a stage's options for the network without cells."""
    left = {"genotype_path", "frozen_backbone", *folders}
    kept = {key: value for key, value in stage.options.items() if key not in left}
    return {**kept, "skip_module": "plain", **folders}


def require_control(stages: Sequence[Stage]) -> None:
    """Check that a run can have a control.

    Raises:
        OptionError: if it cannot; the message says why.
    """
    named = {stage.name: stage for stage in stages}
    reason = None
    if "backbone" not in named:
        reason = "a topology search has no plain network to compare with"
    elif "evaluate" not in named:
        reason = "fold 'all' leaves no patient to compare on"
    elif named["train"].options.get("skip_module") == "plain":
        reason = "the run itself is of the plain network"
    if reason is not None:
        raise OptionError(f"--control: {reason}. Leave it out.")


def run_control(stages: Sequence[Stage], out: Path) -> None:
    """Run the control of a run that has ended, unless its search kept no cell.

    Args:
        stages: those of the run.
        out: its folder.
    """
    if is_plain(stages):
        print("\nThe search kept no cell: the network is the plain one, and needs no control.")
        return
    print("\nThe control:", flush=True)
    run_stages(control_stages(stages), out)


def is_plain(stages: Sequence[Stage]) -> bool:
    """Return whether the search of a run kept nothing, so that its network is the plain one."""
    named = {stage.name: stage for stage in stages}
    if named["train"].options.get("skip_module", "iac") != "iac":
        return False
    path = named["train"].options.get("genotype_path", named["search"].result)
    genotype = load_genotype(Path(str(path)))
    return not genotype.nodes and not genotype.off


def _is_true(value: object) -> bool:
    return str(value).strip().lower() in ("true", "1")
