"""The first item of ``initialize`` of a bundle's config, and nothing after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from monai.bundle import ComponentLocator, ConfigWorkflow

from iac_components.console import brief_message

BUNDLES = Path(__file__).parents[2] / "bundles"
LOCATOR = ComponentLocator()


def config_files(bundle: str, *names: str) -> list[str]:
    """Files of ``hippocampus_unet_iac`` + stage: the stage's own config, then others of it."""
    root = next(BUNDLES.glob(bundle))
    stage = bundle.rpartition("_")[2]
    return [str(root / "configs" / f"{name}.json") for name in (stage, *names)]


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


def check(files: list[str], options: Mapping[str, object]) -> str | None:
    """Check the options of a workflow made by hand, as MonaiAlgo makes one."""
    workflow = ConfigWorkflow(files, logging_file=False, **options)
    # Looking through all modules for components takes longer than the check.
    workflow.parser.locator = LOCATOR
    workflow.parser["initialize"] = workflow.parser["initialize"][:1]
    return outcome(workflow.initialize)


@pytest.fixture(scope="session")
def refusal() -> Callable[..., str | None]:
    """Return a function that checks options of a hippocampus bundle; it gives the message."""

    def run(stage: str, options: Mapping[str, object], *names: str, method: str = "iac"):
        infix = "unet_iac" if method == "iac" else method
        return check(config_files(f"hippocampus_{infix}_segmentation_{stage}", *names), options)

    return run
