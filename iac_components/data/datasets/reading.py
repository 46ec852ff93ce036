"""Reading of volumes during a run, whose files may have vanished or been cut since the check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from monai.data import Dataset

from iac_components.common.causes import transform_message
from iac_components.common.files import start_again
from iac_components.data.case import DatalistEntry, entry_files
from iac_components.data.faults import DatasetError, Fault
from iac_components.data.nifti.volume_file import read_volume

__all__ = ["CaseDataset", "damaged_file_named"]


class CaseDataset(Dataset):
    """MONAI's ``Dataset`` of volumes, whose errors name the file that cannot be read.

    Args:
        data: datalist entries.
        transform: dictionary transforms that load an entry.
        keys: which keys of an entry name its files.
    """

    def __init__(
        self,
        data: Sequence[DatalistEntry],
        transform: Callable[..., object] | Sequence[Callable[..., object]] | None = None,
        *,
        keys: Sequence[str] = ("image", "label"),
    ) -> None:
        super().__init__(data, transform)
        self.keys = tuple(keys)

    def _transform(self, index: int) -> object:
        """Load and transform an entry.

        Raises:
            DatasetError: if one of its files cannot be read.
        """
        with damaged_file_named(self.data[index], self.keys):
            return super()._transform(index)


@contextmanager
def damaged_file_named(entry: DatalistEntry, keys: Sequence[str]) -> Iterator[None]:
    """Name the file of an entry that cannot be read, if that is why the block failed.

    Raises:
        DatasetError: instead of the block's error, if a file is missing or damaged, takes more
            memory than there is, or a library's transform refuses its arguments.
    """
    try:
        yield
    except Exception as error:
        files = (file for key in keys for file in entry_files(entry, key))
        fault = next((f for f in map(read_volume, files) if isinstance(f, Fault)), None)
        if fault is None and _lacks_memory(error):
            raise DatasetError(
                f"'{entry_files(entry, keys[0])[0]}' does not fit into the memory once it is "
                "resampled to pixdim. Look whether its header states its voxels in mm, or pass "
                "a larger --pixdim."
            ) from error
        if fault is None:
            message = transform_message(error)
            if message is None:
                raise
            raise DatasetError(
                f"'{entry_files(entry, keys[0])[0]}' can be read, but {message}"
            ) from error
        problem = " ".join(fault.problem.split())
        raise DatasetError(
            f"'{fault.where}' {problem}: it was removed or changed during this run. "
            f"Put it back, then {start_again()}"
        ) from error


def _lacks_memory(error: BaseException) -> bool:
    """Return whether an allocation failed; PyTorch has no error of its own for that on a CPU."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, MemoryError) or "can't allocate memory" in str(link):
            return True
        link = link.__cause__ or link.__context__
    return False
