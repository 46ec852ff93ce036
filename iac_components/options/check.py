"""The check of a run's options: the first thing that a bundle's config does."""

from __future__ import annotations

from collections.abc import Mapping

from iac_components.config_stack import running_parser, running_workflow, workflow_call
from iac_components.options.errors import OptionError
from iac_components.options.known_ids import defined_ids
from iac_components.options.rules import broken_rules
from iac_components.options.schema import load_options
from iac_components.options.unknown_keys import unknown_arguments, unknown_keys
from iac_components.options.values import read_given_values, read_values, replaced_values

__all__ = ["check_options", "check_values"]


def check_options(method: str) -> None:
    """Check every option of the run whose config calls this, before it does anything else.

    A key is an option if a config file of the run defines it, if anything in the config refers to
    it, or if MONAI or one of its clients sets it by rule; keys of a user's own in a file are thus
    free. Values are held against the schema of the method, and against each other.

    Args:
        method: ``iac`` or ``dints``, whose schema the config follows.

    Raises:
        OptionError: with one line for each option at fault, naming it, its value and what is
            allowed.
    """
    parser, workflow = running_parser(), running_workflow()
    options = load_options(method)
    faults: list[str] = []
    # A client that reads a config on its own runs no workflow, and overrides what it likes.
    if workflow is not None and workflow.parser is parser:
        call = workflow_call()
        defined = defined_ids(workflow, call)
        tracked = call is None or call.arguments.get("tracking") is not None
        unknown = unknown_keys(workflow, defined, tracked=tracked)
        faults += unknown.values()
        faults += replaced_values(parser, options, defined)
        options = {name: option for name, option in options.items() if name not in unknown}
    faults += unknown_arguments(parser)
    values = read_values(parser, options, faults)
    _raise(faults or list(broken_rules(values)))


def check_values(values: Mapping[str, object], *, method: str) -> None:
    """Check values given in Python as those of a run's options, against schema and rules.

    Args:
        values: by the name of their option.
        method: ``iac`` or ``dints``, whose schema holds.

    Raises:
        OptionError: with one line for each value at fault, naming it and what is allowed.
        KeyError: if a name is no option.
    """
    faults: list[str] = []
    plain = read_given_values(values, load_options(method), faults)
    _raise(faults or list(broken_rules(plain)))


def _raise(faults: list[str]) -> None:
    if len(faults) == 1:
        raise OptionError(faults[0])
    if faults:
        raise OptionError("\n".join([f"{len(faults)} options are at fault.", *faults]))
