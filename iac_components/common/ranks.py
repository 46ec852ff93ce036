"""Processes of one job, as ``torchrun`` starts them: ranks 0 to n - 1; rank 0 writes.

A rank and how many there are tells ``ignite.distributed``; here stands what it lacks. Alone, a
process is the first of one, and every function here is a no-op or the identity. Together, each call
is collective: all ranks must make it, in the same order. Why no DistributedDataParallel: pruning
deletes modules, whereupon its wrapper would have to be built again.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import ignite.distributed as idist
import torch
from torch import distributed

from iac_components.common.files import start_again

__all__ = [
    "RankError",
    "ask_first",
    "average",
    "copy_from_first",
    "is_first_rank",
    "join_ranks",
    "largest",
    "leave_ranks",
    "require_same",
]

_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
_LOGGER = logging.getLogger("iac_components.ranks")


class RankError(RuntimeError):
    """Processes of a job lost their connection, or differ where they must be equal."""


def is_first_rank() -> bool:
    """Return True in the process that writes files and shows progress."""
    return bool(idist.get_rank() == 0)


def join_ranks(timeout_minutes: float = 30.0) -> None:
    """Join the processes that ``torchrun`` started: NCCL on GPUs, one each, gloo on CPUs.

    Call it before loaders and networks are built; joining again changes nothing. The other ranks
    log warnings and errors only. A process that has left cannot come back: the ranks would find
    each other's old addresses.

    Args:
        timeout_minutes: a rank that waits longer than this for another ends with an error.

    Raises:
        ValueError: if the process was not started by ``torchrun``, or its node has too few GPUs.
    """
    if not _together():
        _start_process_group(timedelta(minutes=timeout_minutes))
        with _without_slurm():
            # Ignite's first look at the process group is collective: left to chance, one rank alone
            # might take it, and wait for ever.
            idist.sync()
    if not is_first_rank():
        logging.disable(logging.INFO)
    count = idist.get_world_size()
    _LOGGER.info(
        f"{count} processes ({distributed.get_backend()}): a step's batch is batch_size x {count}."
    )


def leave_ranks() -> None:
    """Wait for all ranks, the first of which may still be writing, and leave the job.

    Raises:
        RankError: if another rank has ended.
    """
    with _contact():
        distributed.barrier()
    logging.disable(logging.NOTSET)
    idist.finalize()


def average(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Mean of each tensor over all ranks, in one message; equal to the bit on all of them.

    Args:
        tensors: as many, of the same shapes and in the same order on every rank.

    Raises:
        RankError: if another rank has ended.
    """
    count = idist.get_world_size()
    if count == 1 or not tensors:
        return list(tensors)
    flat = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
    with _contact():
        distributed.all_reduce(flat)
    return [
        part.view(tensor.shape).to(tensor.dtype)
        for part, tensor in zip(_split(flat / count, tensors), tensors, strict=True)
    ]


def largest(number: int) -> int:
    """Find the largest of all ranks' numbers.

    Raises:
        RankError: if another rank has ended.
    """
    if idist.get_world_size() == 1:
        return number
    on_gpu = distributed.get_backend() == "nccl"
    value = torch.tensor(number, device="cuda" if on_gpu else "cpu")
    with _contact():
        distributed.all_reduce(value, op=distributed.ReduceOp.MAX)
    return int(value)


def copy_from_first(tensors: Iterable[torch.Tensor]) -> None:
    """Overwrite the tensors by those of the first rank, in one message for each dtype.

    Args:
        tensors: as many, of the same shapes and in the same order on every rank.

    Raises:
        RankError: if another rank has ended.
    """
    if idist.get_world_size() == 1:
        return
    by_type: dict[torch.dtype, list[torch.Tensor]] = {}
    for tensor in tensors:
        by_type.setdefault(tensor.dtype, []).append(tensor)
    with torch.no_grad():
        for group in by_type.values():
            flat = torch.cat([tensor.reshape(-1) for tensor in group])
            with _contact():
                distributed.broadcast(flat, src=0)
            for part, tensor in zip(_split(flat, group), group, strict=True):
                tensor.copy_(part.view(tensor.shape))


def ask_first(question: Callable[[], str | None]) -> str | None:
    """Let the first rank answer, and send the answer to all ranks.

    Args:
        question: asked on the first rank alone; it must not raise, or the others would wait.

    Raises:
        RankError: if another rank has ended.
    """
    answer = [question() if is_first_rank() else None]
    if idist.get_world_size() > 1:
        with _contact():
            distributed.broadcast_object_list(answer, src=0)
    return answer[0]


def require_same(content: bytes, *, what: str, remedy: str) -> None:
    """Stop every rank if ``content`` differs between any two.

    Args:
        content: compared by its SHA-256.
        what: names the content, in the plural, for the message.
        remedy: a sentence on what to do.

    Raises:
        RankError: naming the ranks that differ from the first; or if another rank has ended.
    """
    if idist.get_world_size() == 1:
        return
    digest = hashlib.sha256(content).hexdigest()
    digests = [""] * idist.get_world_size()
    with _contact():
        distributed.all_gather_object(digests, digest)
    different = [str(number) for number, other in enumerate(digests) if other != digests[0]]
    if different:
        raise RankError(
            f"{what} of rank {', '.join(different)} differ from those of rank 0. {remedy}"
        )


def _together() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _start_process_group(timeout: timedelta) -> None:
    missing = [name for name in _VARIABLES if name not in os.environ]
    if missing:
        raise ValueError(
            f"a multi-GPU config was run without torchrun ({', '.join(missing)} not set). Start "
            "'torchrun --nproc_per_node N -m monai.bundle run ...', or leave the multi_gpu file "
            "out of --config_file."
        )
    local = int(os.environ["LOCAL_RANK"])
    if torch.cuda.is_available():
        if local >= torch.cuda.device_count():
            raise ValueError(
                f"process {local} of this node has no GPU of its own: torchrun's --nproc_per_node "
                f"can be {torch.cuda.device_count()} at most here."
            )
        torch.cuda.set_device(local)
        distributed.init_process_group(
            "nccl", timeout=timeout, device_id=torch.device("cuda", local)
        )
    else:
        distributed.init_process_group("gloo", timeout=timeout)


def _split(flat: torch.Tensor, tensors: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    return torch.split(flat, [tensor.numel() for tensor in tensors])


@contextmanager
def _contact() -> Iterator[None]:
    """Explain a broken connection in one line."""
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RankError(
            f"rank {idist.get_rank()} of {idist.get_world_size()} lost the others ({reason}). One "
            "of them has ended, and its own message stands in this log, or it kept the rest "
            f"waiting for too long. Then {start_again()}"
        ) from error


@contextmanager
def _without_slurm() -> Iterator[None]:
    """Hide the Slurm job from Ignite, which would take its task number for torchrun's local rank.

    Under ``srun torchrun`` a node has one Slurm task and several ranks: all would get LOCAL_RANK 0.
    """
    job = os.environ.pop("SLURM_JOB_ID", None)
    try:
        yield
    finally:
        if job is not None:
            os.environ["SLURM_JOB_ID"] = job
