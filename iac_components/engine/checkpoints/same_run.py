"""Check that a checkpoint is of the run that resumes from it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from iac_components.engine.checkpoints.checkpoint_file import (
    CheckpointError,
    find_checkpoints,
    read_checkpoint,
)
from iac_components.engine.records.run_record import (
    LOADED_BY,
    WEIGHTS_PUT,
    RunRecord,
    describe_differences,
    digest_of,
)

__all__ = ["adopt_length", "adopt_start", "check_resume", "require_same_run"]

_AT_START = "weights_at_start"

_MOVED_NETWORK = "network_def"
"""Entry of the identity in configs of 0.4, an expression; the network's description since then."""

_OF_AUDITS, _AUDITING = "audit_every", ("audit", "both")
"""Option whose default was another in 0.4, and the criteria that have a use for it."""
_LOGGER = logging.getLogger("iac_components.checkpoint")


def check_resume(directory: str | Path, record: RunRecord, *, resume: bool) -> None:
    """Compare the newest good checkpoint with the run that is about to resume from it.

    The checkpoint handler does so again when it loads; this is for the time before data are read.

    Args:
        directory: where the checkpoints lie.
        record: of the run that is about to start.
        resume: whether it is to resume from one.

    Raises:
        CheckpointError: in one line that names what differs, with both values.
    """
    if not resume:
        return
    for _, path in find_checkpoints(Path(directory)):
        content = read_checkpoint(path, quiet=True)
        if content is not None:
            require_same_run(content, path, record, started=False)
            return


def require_same_run(
    content: Mapping[str, object], path: Path, record: RunRecord, *, started: bool = True
) -> None:
    """Refuse the checkpoint of another run.

    Args:
        content: of the checkpoint.
        path: its file.
        record: of the run that is to resume from it.
        started: whether the record knows already what was put into the network.

    Raises:
        CheckpointError: naming what differs with both values, or the length that is too short; or
            that the checkpoint's config is of version 0.4, whose entries cannot be compared.
    """
    run = cast(Mapping[str, object], content["run"])
    before = cast(Mapping[str, object], run["identity"])
    _require_same_configs(before, record.identity(), path)
    differences = describe_differences(*_comparable(before, record, started=started))
    then, now = run["steps_per_epoch"], record.steps_per_epoch
    if not differences and None not in (then, now) and then != now:
        differences = f"steps in an epoch: checkpoint {then}, this run {now}"
    if differences:
        raise CheckpointError(
            f"Checkpoint '{path}' is of another run: {differences}. Resume with the settings of "
            "that run, choose another output folder, or start afresh with --resume False (older "
            "checkpoints are set aside)."
        )
    epoch = cast(int, content["epoch"])
    if record.epochs is not None and record.epochs < epoch and not content["ended"]:
        raise CheckpointError(
            f"epochs is {record.epochs}, but checkpoint '{path}' is of a run that has done {epoch} "
            f"epochs. Pass --epochs {epoch} or more, or choose another output folder."
        )


def _require_same_configs(
    before: Mapping[str, object], now: Mapping[str, object], path: Path
) -> None:
    """Refuse the checkpoint of a config of 0.4 in a config whose entries are other ones.

    Not only are the names others: images of a 2-D validation are cut differently, so that the best
    score so far could not be compared with those to come.
    """
    if _MOVED_NETWORK in before and f"{_MOVED_NETWORK}#_target_" in now:
        raise CheckpointError(
            f"Checkpoint '{path}' was written by the config of a bundle of version 0.4, with which "
            "this bundle's cannot be compared. Finish that run with the bundle it began with, "
            "which this version runs and resumes, or start afresh with --resume False (older "
            "checkpoints are set aside; --backbone_ckpt takes the model.pt of a plain network)."
        )


def adopt_start(content: Mapping[str, object], path: Path, record: RunRecord) -> None:
    """Adopt the start of the checkpoint's run, from which the weights come."""
    run = cast(Mapping[str, object], content["run"])
    identity = cast(Mapping[str, object], run["identity"])
    # A program, such as a client of federated learning, sets weights whatever the run's past.
    if record.weights_at_start is not None and record.weights_at_start != run.get(_AT_START):
        _LOGGER.warning(
            f"The weights that were put into the network before this run give way to those of "
            f"'{path}', from which it is resumed."
        )
    record.begun = {name: str(identity[name]) for name in identity if _is_beginning(name)}
    record.weights_at_start = cast(str | None, run.get(_AT_START))


def _comparable(
    before: Mapping[str, object], record: RunRecord, *, started: bool
) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Return the identities of both runs, without what cannot be compared or changes nothing."""
    then, now = dict(before), record.identity()
    # It is this run's own weights that a handler loads: MONAI Label does so whenever it starts.
    if digest_of(before) in record.written_by:
        then, now = ({k: v for k, v in x.items() if not _is_beginning(k)} for x in (then, now))
    if not started:
        then.pop(WEIGHTS_PUT, None)
    for identity in (then, now):
        if identity.get("criterion") not in _AUDITING:
            identity.pop(_OF_AUDITS, None)
    return then, now


def _is_beginning(name: str) -> bool:
    return name == WEIGHTS_PUT or name.startswith(LOADED_BY)


def adopt_length(content: Mapping[str, object], path: Path, record: RunRecord) -> bool:
    """Adopt the changes of length of the checkpoint's run, and add this run's.

    Returns:
        Whether the length has changed since the checkpoint.
    """
    run = cast(Mapping[str, object], content["run"])
    record.extensions[:] = cast("list[dict[str, int]]", run["extensions"])
    then, now, epoch = run["epochs"], record.epochs, content["epoch"]
    if then == now or content["ended"] or not (isinstance(then, int) and isinstance(now, int)):
        return False
    record.extensions.append({"after_epoch": cast(int, epoch), "from": then, "to": now})
    _LOGGER.info(
        f"'{path}' is of a run of {then} epochs; it continues to epoch {now}, and every schedule "
        f"follows the new length from epoch {cast(int, epoch) + 1}."
    )
    return True
