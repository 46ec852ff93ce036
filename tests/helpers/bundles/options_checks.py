"""The first item of ``initialize`` of a bundle's config, and nothing after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from monai.bundle import ComponentLocator, ConfigWorkflow, create_workflow

from iac_components.common.console.brief_errors import brief_message

BUNDLES = Path(__file__).parents[3] / "bundles"
LOCATOR = ComponentLocator()


def config_files(bundle: str, *names: str) -> list[str]:
    """The stage's own config of a bundle, then other files of it."""
    stage = bundle.rpartition("_")[2]
    return [str(BUNDLES / bundle / "configs" / f"{name}.json") for name in (stage, *names)]


def outcome(run: Callable[[], object]) -> str | None:
    """The message that the user is shown; None if the options are accepted."""
    try:
        run()
    except Exception as error:
        message = brief_message(error)
        if message is None:
            raise AssertionError("the user would be shown a traceback") from error
        return message.removeprefix("OptionError: ")
    return None


class FirstStep(ConfigWorkflow):
    """A workflow whose ``initialize`` does the first thing alone."""

    def initialize(self) -> object:
        # Looking through all modules for components takes longer than the check.
        self.parser.locator = LOCATOR
        self.parser["initialize"] = self.parser["initialize"][:1]
        return super().initialize()


def check(files: list[str], options: Mapping[str, object]) -> str | None:
    """Check the options of a workflow made by hand, as MonaiAlgo makes one."""
    return outcome(FirstStep(files, logging_file=False, **options).initialize)


def start(files: object, options: Mapping[str, object], **more: object) -> str | None:
    """Check the options of a workflow made by MONAI's command, and by MONAI Label."""
    return outcome(lambda: create_workflow(FirstStep, files, logging_file=False, **more, **options))
