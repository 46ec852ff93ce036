"""Comparison of two engines: classes, plain settings, handlers, optimizers, transforms."""

from __future__ import annotations

from pathlib import Path

from monai.engines import Workflow

from iac_components.data.datasets.fingerprint import transform_fingerprint
from iac_components.interface.api.inputs.transforms import whole_volumes

__all__ = [
    "assert_same_trainer",
    "assert_same_validator",
    "facts",
    "of_optimizer",
    "recorded",
]


def facts(part):
    """Class and plain public settings of a handler or component, files by their names."""
    plain = (bool, int, float, str, tuple, list, dict, type(None), Path)
    return type(part), {
        name: _named(name, value)
        for name, value in vars(part).items()
        if isinstance(value, plain) and not name.startswith("_")
    }


def members(handlers):
    """The handlers, with those of a stack in its place."""
    return [part for handler in handlers for part in getattr(handler, "handlers", [handler])]


def _named(name, value):
    if name in ("trace_file", "path", "directory"):
        return Path(value).name
    if name == "results":
        return [path.name for path in value]
    if isinstance(value, dict):
        return {key: _named(key, item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_named(name, item) for item in value]
    return value if not hasattr(value, "__dict__") else type(value)


def of_optimizer(optimizer):
    # A config's pair is a list, which older versions of torch keep.
    groups = [
        {k: tuple(v) if isinstance(v, list) else v for k, v in group.items() if k != "params"}
        for group in optimizer.param_groups
    ]
    sizes = [[tuple(p.shape) for p in group["params"]] for group in optimizer.param_groups]
    return type(optimizer), groups, sizes


def assert_same_trainer(ours, theirs, our_handlers, their_handlers):
    assert type(ours) is type(theirs)
    assert [type(handler) for handler in our_handlers] == [type(h) for h in their_handlers]
    assert [facts(h) for h in members(our_handlers)] == [facts(h) for h in members(their_handlers)]
    losses = [
        [facts(part) for part in trainer.loss_function.modules()] for trainer in (ours, theirs)
    ]
    assert losses[0] == losses[1]
    assert of_optimizer(ours.optimizer) == of_optimizer(theirs.optimizer)
    assert facts(ours.inferer) == facts(theirs.inferer)
    for name in ("optim_set_to_none", "amp", "warmup_epochs", "architecture_every"):
        assert getattr(ours, name, None) == getattr(theirs, name, None)
    for name in ("max_epochs", "epoch_length"):
        assert getattr(ours.state, name) == getattr(theirs.state, name)
    assert transform_fingerprint(ours.data_loader.dataset.transform) == transform_fingerprint(
        theirs.data_loader.dataset.transform
    )
    assert (ours.data_loader.batch_size, ours.data_loader.sampler.seed) == (
        theirs.data_loader.batch_size,
        theirs.data_loader.sampler.seed,
    )


def assert_same_validator(ours, theirs, made):
    assert facts(ours.inferer) == facts(theirs.inferer)
    assert list(ours.state.metric_details or {}) == list(theirs.state.metric_details or {})
    assert ours.state.key_metric_name == theirs.state.key_metric_name == "val_mean_dice"
    assert type(ours.data_loader.dataset) is type(theirs.data_loader.dataset)
    volumes = whole_volumes(made)
    assert transform_fingerprint(volumes) == transform_fingerprint(
        theirs.data_loader.dataset.transform
    )


def recorded(patched):
    """Note the handlers of the engines that are made from now on, one list an engine."""
    found = []
    register = Workflow._register_handlers

    def note(engine, handlers):
        found.append(list(handlers))
        register(engine, handlers)

    patched.setattr(Workflow, "_register_handlers", note)
    return found
