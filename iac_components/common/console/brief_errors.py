"""One clear line for an error raised on purpose, where MONAI shows wrapped tracebacks."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from iac_components.common.console.component_faults import component_message
from iac_components.common.console.signals import end_command_on_signals
from iac_components.common.files import unwritable_message

__all__ = ["brief_message", "is_monai_command", "report_errors_briefly"]

_PACKAGE = str(Path(__file__).parents[2]) + os.sep
_DELIBERATE = (ValueError, OSError, RuntimeError)
_WORKER = re.compile(r"Caught \w+ in DataLoader worker process")
_KILLED = re.compile(r"DataLoader worker \(pid \d+\) is killed by signal: Terminated")
_FRAME = re.compile(r'^  File "([^"\n]*)", line \d+', re.MULTILINE)
_RAISED = re.compile(r"^(?:\w+\.)*(\w+): (.*)", re.MULTILINE | re.DOTALL)
_TOLD: set[str] = set()


def report_errors_briefly() -> None:
    """Let ``python -m monai.bundle run`` end with one line for an error raised on purpose.

    MONAI wraps whatever happens within a config into "Failed to evaluate ..." with a traceback of
    its parser, which buries the message that names the file or field. Bugs keep their traceback;
    ``IAC_TRACEBACK=1`` keeps all of them. SIGINT and SIGTERM end the command with one line, too.
    Does nothing in a program other than MONAI's command.
    """
    if is_monai_command():
        sys.excepthook = _show
        threading.excepthook = _show_of_thread
        logging.setLogRecordFactory(_brief_record)
        end_command_on_signals()


def is_monai_command() -> bool:
    """Tell ``python -m monai.bundle`` from a program that uses MONAI."""
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    return main is not None and main.name == "monai.bundle.__main__"


def brief_message(error: BaseException) -> str | None:
    """Return the message of the first cause of ``error`` if this package raised it on purpose.

    An error that a worker process hands over, which holds the worker's traceback as text, counts as
    what it was there. A full or read-only disk that a library met is told in a line, too, and so is
    an argument that a component of the config does not take.
    """
    cause = error
    while (earlier := cause.__cause__ or cause.__context__) is not None:
        # A library's error that this package translated is not what the user should read.
        if _raised_here(cause):
            break
        cause = earlier
    if isinstance(cause, _DELIBERATE) and _raised_here(cause):
        return f"{type(cause).__name__}: {cause}"
    return _message_of_worker(cause) or unwritable_message(error) or component_message(error)


def _raised_here(error: BaseException) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename.startswith(_PACKAGE)


def _message_of_worker(error: BaseException) -> str | None:
    """Cut a worker's error out of the text of a DataLoader's, if this package raised it."""
    text = str(error)
    frames = list(_FRAME.finditer(text))
    if not _WORKER.match(text) or not frames or not frames[-1][1].startswith(_PACKAGE):
        return None
    raised = _RAISED.search(text, frames[-1].end())
    deliberate = raised is not None and isinstance(error, _DELIBERATE)
    return f"{raised[1]}: {raised[2].rstrip()}" if raised and deliberate else None


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    message = None if os.environ.get("IAC_TRACEBACK") else brief_message(error)
    if message is None:
        sys.__excepthook__(kind, error, trace)
    elif message not in _TOLD:
        _TOLD.add(message)
        print(f"\n{message}\n(Set IAC_TRACEBACK=1 for the traceback.)", file=sys.stderr)


def _show_of_thread(arguments: threading.ExceptHookArgs) -> None:
    """Show the error that ended a thread, such as TensorBoard's; the run meets it again itself."""
    error = arguments.exc_value
    if error is None or os.environ.get("IAC_TRACEBACK") or brief_message(error) is None:
        threading.__excepthook__(arguments)
    else:
        _show(type(error), error, error.__traceback__)


def _brief_record(*arguments: object, **fields: object) -> logging.LogRecord:
    """Make a log record without the traceback of an error that is shown in one line later."""
    record = _make_record(*arguments, **fields)
    # Ignite logs the error's text alone while it handles it.
    error = record.exc_info[1] if record.exc_info else sys.exc_info()[1]
    if error is None or os.environ.get("IAC_TRACEBACK"):
        return record
    message, text = brief_message(error), str(error)
    if message is not None or _KILLED.match(text):
        record.exc_info = None
        # A worker's error has the worker's traceback for its text.
        if message and _WORKER.match(text) and isinstance(record.msg, str):
            record.msg = record.msg.replace(text, message)
    return record


_make_record: Callable[..., logging.LogRecord] = logging.LogRecord
