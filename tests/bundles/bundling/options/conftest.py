"""Options of the hippocampus bundles, checked by the configs themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from options_checks import check, config_files


@pytest.fixture(scope="session")
def refusal() -> Callable[..., str | None]:
    """Return a function that checks options of a bundle; it gives the message, None if all fit."""

    def run(
        stage: str, options: Mapping[str, object], *names: str, method: str = "iac"
    ) -> str | None:
        infix = "unet_iac" if method == "iac" else method
        return check(config_files(f"hippocampus_{infix}_segmentation_{stage}", *names), options)

    return run
