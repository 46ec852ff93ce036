"""Files: atomic writing, text and JSON of unknown origin, temporary files, errors of the disk.

Those of tensors are read and written in ``tensor_files``, which alone loads torch.
"""

from __future__ import annotations

from iac_components.common.files.atomic import (
    atomic_path,
    atomic_write,
    read_json,
    require_writable_directory,
    write_json,
    write_text,
)
from iac_components.common.files.json_fields import Fields
from iac_components.common.files.temporary_files import hold, make_temporary, remove_leftovers
from iac_components.common.files.text import decode_text, open_table, read_text
from iac_components.common.files.write_errors import (
    WriteError,
    name_write_errors,
    remember_folder,
    start_again,
    unwritable_message,
)

__all__ = [
    "Fields",
    "WriteError",
    "atomic_path",
    "atomic_write",
    "decode_text",
    "hold",
    "make_temporary",
    "name_write_errors",
    "open_table",
    "read_json",
    "read_text",
    "remember_folder",
    "remove_leftovers",
    "require_writable_directory",
    "start_again",
    "unwritable_message",
    "write_json",
    "write_text",
]
