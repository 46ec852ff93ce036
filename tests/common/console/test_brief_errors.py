"""Errors on the command line: brief if raised on purpose, whole if a bug; and switches."""

from __future__ import annotations

import errno
import json
import logging
import signal
import sys
import threading
from importlib.machinery import ModuleSpec

import pytest
import torch
from monai.bundle import ConfigParser
from monai.transforms import LoadImaged

from iac_components.common.console import brief_errors as console
from iac_components.common.console import signals
from iac_components.common.console.brief_errors import (
    brief_message,
    report_errors_briefly,
)
from iac_components.common.files import require_writable_directory, write_json
from iac_components.data import CaseDataset, Folds, epoch_loader, load_datalist
from iac_components.networks import build_network, load_weights
from iac_components.search_space import SearchSpace, load_genotype


def raised(function, *arguments, **options):
    try:
        function(*arguments, **options)
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def through_a_config(expression, **values):
    """The error as MONAI's parser wraps it."""
    parser = ConfigParser({"item": {"_target_": "dict", "value": "$@expression"}, **values})
    parser["expression"] = expression
    return raised(parser.get_parsed_content, "item")


class TestBriefMessage:
    def test_deliberate_error(self, tmp_path):
        path = tmp_path / "genotype.json"
        message = brief_message(raised(load_genotype, path))
        assert message.startswith(f"GenotypeError: Genotype '{path}'")
        assert "\n" not in message

    @pytest.mark.parametrize(
        ("call", "expected"),
        [
            (lambda path: load_weights(torch.nn.Linear(1, 1), path), "FileNotFoundError: "),
            (lambda path: SearchSpace(4), "ValueError: search_space.spatial_dims must be 2 or 3"),
            (lambda path: Folds("acdc", 0, ()), "ValueError: folds: at least 2"),
            (lambda path: load_datalist(path, layout="acdc", part="test"), "DatasetError: "),
        ],
    )
    def test_any_deliberate_error(self, tmp_path, call, expected):
        assert brief_message(raised(call, tmp_path / "none")).startswith(expected)

    def test_what_a_config_wraps_is_unwrapped(self, tmp_path):
        path = tmp_path / "none.json"
        imports = ["$from iac_components.search_space import load_genotype"]
        error = through_a_config(f"$load_genotype({str(path)!r})", imports=imports)
        assert type(error) is RuntimeError
        message = brief_message(error)
        assert message.startswith("GenotypeError: ")
        assert str(path) in message

    def test_what_is_translated_stays_translated(self, tmp_path):
        """A JSON or OS error that this package explained is not what the user should read."""
        path = tmp_path / "genotype.json"
        path.write_text("{", encoding="utf-8")
        message = brief_message(raised(load_genotype, path))
        assert "not valid JSON" in message
        assert not message.startswith("JSONDecodeError")

        blocked = tmp_path / "genotype.json" / "folder"
        error = raised(require_writable_directory, blocked)
        assert error.__cause__ is not None
        assert "--output_dir" in brief_message(error)

    def test_package_error_explained_by_the_package(self, tmp_path):
        """Of two errors of ours, the outer one names the file."""
        path = tmp_path / "genotype.json"
        content = {"schema_version": 99}
        path.write_text(json.dumps(content), encoding="utf-8")
        error = raised(build_network, torch.nn.Linear(1, 1), genotype_path=path)
        assert str(path) in brief_message(error)

    @pytest.mark.parametrize(
        "bug",
        [
            lambda: load_weights(None, None),  # TypeError below pathlib
            lambda: epoch_loader(None, 1),  # within torch
            lambda: SearchSpace(2).inputs_of("x"),  # TypeError in this package's own frame
        ],
    )
    def test_bug_is_not_hidden(self, bug):
        assert brief_message(raised(bug)) is None

    def test_error_of_others_is_not_hidden(self):
        assert brief_message(raised(int, "x")) is None
        assert brief_message(through_a_config("$int('x')")) is None
        assert brief_message(ValueError("never raised")) is None

    def test_error_of_a_library_below_this_package_is_not_hidden(self, tmp_path):
        """An error that this package neither raised nor explained is no message of ours."""
        error = raised(write_json, tmp_path / "x.json", {"value": float("nan")})
        assert isinstance(error, ValueError)
        assert brief_message(error) is None

    @pytest.mark.parametrize("wrapped", [False, True])
    def test_full_disk_that_a_library_met(self, tmp_path, wrapped):
        """An error in the middle of writing names no file: the run's folders are named."""
        folder = require_writable_directory(tmp_path / "out")

        def fail():
            try:
                raise OSError(errno.ENOSPC, "No space left on device")
            except OSError as error:
                if wrapped:
                    raise RuntimeError("unexpected pos 64 vs 0") from error
                raise

        message = brief_message(raised(fail))
        assert message.startswith("WriteError: a file in ")
        assert f"'{folder}'" in message
        assert "No space left on device" in message
        assert "Free space there" in message
        assert "\n" not in message

    def test_read_only_disk_that_a_library_met(self):
        def fail():
            raise OSError(errno.EROFS, "Read-only file system", "/media/events.1")

        message = brief_message(raised(fail))
        assert message.startswith("WriteError: '/media/events.1' cannot be written")
        assert "folder '/media'" in message

    def test_a_folder_of_a_similar_name_is_not_this_package(self, tmp_path, monkeypatch):
        folder = tmp_path / "iac_components_of_others"
        folder.mkdir()
        module = folder / "theirs.py"
        module.write_text("def fail():\n    raise ValueError('theirs')\n", encoding="utf-8")
        monkeypatch.setattr(console, "_PACKAGE", f"{tmp_path}/iac_components/")
        namespace = {}
        exec(compile(module.read_text(encoding="utf-8"), str(module), "exec"), namespace)
        assert brief_message(raised(namespace["fail"])) is None


class TestReporting:
    @pytest.fixture(autouse=True)
    def hook(self, monkeypatch):
        """The interpreter's hook, put back afterwards."""
        monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
        monkeypatch.delenv("IAC_TRACEBACK", raising=False)
        factory = logging.getLogRecordFactory()
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        monkeypatch.setattr(signals._COMMAND, "running", False)
        monkeypatch.setattr(threading, "excepthook", threading.excepthook)
        monkeypatch.setattr(console, "_TOLD", set())
        yield
        logging.setLogRecordFactory(factory)
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def in_monai(self, monkeypatch):
        spec = ModuleSpec("monai.bundle.__main__", None)
        monkeypatch.setattr(sys.modules["__main__"], "__spec__", spec, raising=False)

    def show(self, error):
        sys.excepthook(type(error), error, error.__traceback__)

    @pytest.mark.parametrize("name", [None, "pytest.__main__", "monai.bundle", "__main__"])
    def test_other_programs_keep_their_hook(self, monkeypatch, name):
        spec = None if name is None else ModuleSpec(name, None)
        monkeypatch.setattr(sys.modules["__main__"], "__spec__", spec, raising=False)
        report_errors_briefly()
        assert sys.excepthook is sys.__excepthook__

    def test_deliberate_error_is_one_message(self, monkeypatch, capsys, tmp_path):
        self.in_monai(monkeypatch)
        report_errors_briefly()
        assert sys.excepthook is not sys.__excepthook__
        self.show(raised(load_genotype, tmp_path / "none.json"))
        shown = capsys.readouterr().err
        assert "none.json" in shown
        assert "Traceback" not in shown
        assert "IAC_TRACEBACK=1" in shown

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_error_of_a_thread_is_told_once(self, monkeypatch, capsys):
        """TensorBoard writes in a thread; the run fails with the same error at its next write."""
        self.in_monai(monkeypatch)
        report_errors_briefly()
        error = OSError(errno.ENOSPC, "No space left on device")

        def fail():
            raise error

        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        self.show(raised(fail))
        shown = capsys.readouterr().err
        assert shown.count("No space left on device") == 1
        assert "Traceback" not in shown
        thread = threading.Thread(target=int, args=("x",))
        thread.start()
        thread.join()
        assert "Traceback" in capsys.readouterr().err

    def test_traceback_on_request(self, monkeypatch, capsys, tmp_path):
        self.in_monai(monkeypatch)
        report_errors_briefly()
        monkeypatch.setenv("IAC_TRACEBACK", "1")
        self.show(raised(load_genotype, tmp_path / "none.json"))
        assert "Traceback" in capsys.readouterr().err

    def test_log_holds_no_traceback_of_what_is_shown_in_a_line(self, monkeypatch, caplog, tmp_path):
        """MONAI's StatsHandler logs what ends a run, traceback and all."""
        self.in_monai(monkeypatch)
        report_errors_briefly()

        def logged(function, *arguments):
            caplog.clear()
            try:
                function(*arguments)
            except Exception:
                logging.getLogger("some").exception("Exception")
            return caplog.text

        def killed():
            raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Terminated. ")

        assert "Traceback" not in logged(load_genotype, tmp_path / "none.json")
        assert "Traceback" not in logged(killed)
        assert "Traceback" in logged(int, "x")
        monkeypatch.setenv("IAC_TRACEBACK", "1")
        assert "Traceback" in logged(load_genotype, tmp_path / "none.json")

    def test_log_holds_no_traceback_of_a_worker(self, monkeypatch, caplog, tmp_path):
        """Ignite logs the text of what ends a run, which is a traceback if a worker raised it."""
        self.in_monai(monkeypatch)
        report_errors_briefly()
        path = str(tmp_path / "none.nii.gz")
        cases = CaseDataset([{"image": path}], LoadImaged("image"))
        loader = torch.utils.data.DataLoader(cases, num_workers=1)

        def logged():
            caplog.clear()
            try:
                next(iter(loader))
            except Exception as error:
                logging.getLogger("some").error(f"The run ends by: {error}")
            return caplog.text

        brief = logged()
        assert "Traceback" not in brief
        assert f"The run ends by: DatasetError: '{path}' does not exist" in brief
        monkeypatch.setenv("IAC_TRACEBACK", "1")
        assert "Traceback" in logged()

    def test_bug_keeps_its_traceback(self, monkeypatch, capsys):
        self.in_monai(monkeypatch)
        report_errors_briefly()
        self.show(raised(int, "x"))
        shown = capsys.readouterr().err
        assert "Traceback" in shown
        assert "IAC_TRACEBACK" not in shown

    def test_interrupt_is_shown_as_ever(self, monkeypatch, capsys):
        self.in_monai(monkeypatch)
        report_errors_briefly()
        self.show(KeyboardInterrupt())
        assert "KeyboardInterrupt" in capsys.readouterr().err
