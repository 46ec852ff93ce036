"""Check of a run's options, with which a bundle's config starts."""

from __future__ import annotations

from collections.abc import Mapping

from monai.bundle import ConfigWorkflow

from iac_components.bundling.options.consistency.intervals import idle_intervals
from iac_components.bundling.options.consistency.limits import beyond_memory
from iac_components.bundling.options.consistency.rules import broken_rules
from iac_components.bundling.options.consistency.unused import (
    changed_options,
    unused_options,
    unused_with,
)
from iac_components.bundling.options.keys.known_ids import defined_ids
from iac_components.bundling.options.keys.unknown_keys import (
    unknown_arguments,
    unknown_keys,
    unknown_step,
)
from iac_components.bundling.options.schema import load_options
from iac_components.bundling.options.typed_words import (
    put_items,
    put_nothing,
    put_plain,
    read_words,
)
from iac_components.bundling.options.values import (
    OptionError,
    read_given_values,
    read_values,
    replaced_values,
)
from iac_components.common.console.config_stack import (
    running_parser,
    running_workflow,
    workflow_call,
)
from iac_components.common.console.typed_options import typed_options

__all__ = ["check_options", "check_values"]


def check_options(method: str) -> None:
    """Check every option of the run whose config calls this, before anything else.

    A key is an option if a config file of the run defines it, if anything in the config refers to
    it, or if MONAI or one of its clients sets it by rule; keys of a user's own in a file are thus
    free. Values are held against the schema of the method, and against each other. ``true``,
    ``false``, ``null`` and ``None`` as typed become what they mean.

    Args:
        method: ``iac``, ``iac_3d`` or ``dints``, whose schema the config follows.

    Raises:
        OptionError: with one line for each option at fault, naming it, its value and what is
            allowed.
    """
    parser, workflow = running_parser(), running_workflow()
    options = load_options(method)
    faults: list[str] = []
    defined: Mapping[str, object] = {}
    # A client that reads a config on its own runs no workflow, and overrides what it likes.
    if workflow is not None and workflow.parser is parser:
        faults += put_nothing(parser, typed_options()).values()
        defined = defined_ids(workflow, workflow_call())
        unknown = _unknown(workflow, defined)
        faults += [*unknown.values(), *unknown_step(workflow)]
        faults += replaced_values(parser, options, defined)
        options = {name: option for name, option in options.items() if name not in unknown}
    read_words(parser)
    put_plain(parser, options)
    faults += unknown_arguments(parser)
    values = read_values(parser, options, faults)
    put_items(parser, values)
    if not faults:
        faults += unused_options(parser, options, defined)
        faults += unused_with(values, changed_options(parser, defined), method=method)
        faults += broken_rules(_chosen(values, defined))
    if not faults:
        faults += [*beyond_memory(values), *idle_intervals(parser, values)]
    _raise(faults)


def check_values(values: Mapping[str, object], *, method: str) -> None:
    """Check values given in Python like a run's options, against schema and rules.

    Args:
        values: by the name of their option.
        method: ``iac``, ``iac_3d`` or ``dints``, whose schema holds.

    Raises:
        OptionError: with one line for each value at fault, naming it and what is allowed.
        KeyError: if a name is no option.
    """
    faults: list[str] = []
    plain = read_given_values(values, load_options(method), faults)
    _raise(faults or list(broken_rules(plain)) or list(beyond_memory(plain)))


def _raise(faults: list[str]) -> None:
    if len(faults) == 1:
        raise OptionError(faults[0])
    if faults:
        raise OptionError("\n".join([f"{len(faults)} options are at fault.", *faults]))


def _unknown(workflow: ConfigWorkflow, defined: Mapping[str, object]) -> dict[str, str]:
    call = workflow_call()
    tracked = call is None or call.arguments.get("tracking") is not None
    return unknown_keys(workflow, defined, tracked=tracked)


def _chosen(values: Mapping[str, object], defined: Mapping[str, object]) -> Mapping[str, object]:
    """Return the values without a default that yields to the others: a run may end before it."""
    yields = values.get("val_interval") == defined.get("val_interval")
    return {name: value for name, value in values.items() if name != "val_interval" or not yields}
