"""Options of bundles as given to ``--set``: for one stage, or for all that have them."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence

from fire.parser import DefaultParseValue
from monai.bundle import ComponentLocator, ConfigParser, ConfigWorkflow

from iac_components.bundling.options import OptionError
from iac_components.common.console.brief_errors import brief_message
from iac_components.interface.running.stages import STAGES, Stage

__all__ = ["check_stages", "override", "read_overrides"]

_GIVEN = re.compile(rf"(?:(?P<stage>{'|'.join(STAGES)})\.)?(?P<key>[A-Za-z_][\w#.]*)=(?P<value>.*)")


def read_overrides(words: Sequence[str]) -> dict[str, dict[str, str]]:
    """Read ``[STAGE.]KEY=VALUE`` words as values by stage and key, with ``""`` for all stages.

    Raises:
        OptionError: if a word is of another form, or names a key twice.
    """
    found: dict[str, dict[str, str]] = {}
    for word in words:
        match = _GIVEN.fullmatch(word)
        if match is None:
            raise OptionError(
                f"--set '{word}' is not KEY=VALUE or STAGE.KEY=VALUE, such as epochs=20 or "
                f"search.epochs=20. The stages are {', '.join(STAGES)}."
            )
        keys = found.setdefault(match["stage"] or "", {})
        if match["key"] in keys:
            raise OptionError(f"--set '{word}': the key was set before. Leave one of the two out.")
        keys[match["key"]] = match["value"]
    return found


def override(stages: Sequence[Stage], given: Mapping[str, Mapping[str, str]]) -> list[Stage]:
    """Set options of stages: those of a stage in it, the others wherever a config has the key.

    Raises:
        OptionError: if a stage is not among these, or no config has a key.
    """
    names = [stage.name for stage in stages]
    for name in given:
        if name and name not in names:
            raise OptionError(
                f"--set {name}.{next(iter(given[name]))}: these bundles have no stage '{name}', "
                f"only {', '.join(names)}."
            )
    known = {stage.name: _keys(stage) for stage in stages}
    for key in given.get("", {}):
        if not any(key.partition("#")[0] in keys for keys in known.values()):
            raise OptionError(f"--set {key}: no config of these bundles has a key '{key}'.")
    return [
        stage.with_options(
            {
                **{
                    key: value
                    for key, value in given.get("", {}).items()
                    if key.partition("#")[0] in known[stage.name]
                },
                **given.get(stage.name, {}),
            }
        )
        for stage in stages
    ]


def _keys(stage: Stage) -> set[str]:
    """Return the top-level keys of a stage's configs."""
    files = [str(path) for path in stage.configs]
    return {str(key).partition("#")[0] for key in ConfigParser.load_config_files(files)}


class _FirstStep(ConfigWorkflow):
    """A workflow that only does its first step, the check of its options."""

    locator = ComponentLocator()

    def initialize(self) -> object:
        """Do the first item of ``initialize``."""
        # Looking through all modules for components takes longer than the check.
        self.parser.locator = self.locator
        self.parser["initialize"] = self.parser["initialize"][:1]
        return super().initialize()


def check_stages(stages: Sequence[Stage]) -> None:
    """Let every stage check its options before the first one starts.

    Raises:
        OptionError: naming stage and option; what is allowed stands there too.
    """
    # MONAI warns that nothing is logged.
    logging.disable(logging.WARNING)
    try:
        _check(stages)
    finally:
        logging.disable(logging.NOTSET)


def _check(stages: Sequence[Stage]) -> None:
    for stage in stages:
        options = {key: DefaultParseValue(str(value)) for key, value in stage.options.items()}
        files = [str(path) for path in stage.configs]
        try:
            _FirstStep(files, logging_file=False, **options).initialize()
        except Exception as error:
            message = brief_message(error)
            if message is None:
                raise
            raise OptionError(f"stage '{stage.name}': {message.partition(': ')[2]}") from error
