"""The stages of a cell search: a plain backbone, a search on it, the cell in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, cast

import torch
from monai.transforms import ResizeWithPadOrCrop
from torch import Tensor

from iac_components.networks import load_state, load_weights
from iac_components.search_space import load_genotype
from tools.maintenance.verification.bundle import read_json
from tools.maintenance.verification.chain import Chain
from tools.maintenance.verification.methods.iac_budgets import other_skip_module

__all__ = ["IacChain"]

CELL = "skip_module."
PATCH = "patch_size"
TRAINED = (
    "models/model.pt",
    "models/model_final.pt",
    "network.json",
    "checkpoints/checkpoint_epoch=*.pt",
)


class IacChain(Chain):
    """Plain training, frozen search, training of the implanted cell, evaluation, inference."""

    outputs: ClassVar = {
        "plain": TRAINED[:3],
        "search": (
            "genotype.json",
            "search_trace.csv",
            "probability_curves.png",
            "divergence_curves.png",
            "cell.png",
            "top_k.json",
            "top_k.png",
            "checkpoints/checkpoint_epoch=*.pt",
        ),
        "cells": TRAINED,
        "other": ("models/model_final.pt", "network.json"),
        "postprocessing": ("postprocessing.json", "component_counts.json"),
        "evaluation": ("metrics.csv", "metrics.json"),
    }

    def plain(self) -> Path:
        """Train the plain backbone."""
        options = {"skip_module": "plain", **self._models("plain")}
        return self._once("plain", lambda: self._run("plain", self.train_bundle, options))

    def search(self) -> Path:
        """Search a cell on the trained backbone, frozen."""

        def run() -> None:
            self._run("search", self.search_bundle, {"backbone_ckpt": self._plain_weights()})

        return self._once("search", run)

    def trained(self) -> Path:
        """Train the found cell in the trained backbone, frozen."""

        def run() -> None:
            self.search()
            start = {"backbone_ckpt": self._plain_weights(), "frozen_backbone": True}
            options = {**start, **self.found(), **self._models("cells")}
            self._run("cells", self.train_bundle, options)

        return self._once("cells", run)

    def other_module(self) -> Path:
        """Train one step with another skip module, without augmentation."""
        short = {"epochs": 1, "steps_per_epoch": 1, "val_interval": 1}
        short["validate#evaluator#epoch_length"] = 1
        options = {"skip_module": self.other_name, "augment": "false", **short}
        options |= self._models("other")
        return self._once("other", lambda: self._run("other", self.train_bundle, options))

    @property
    def other_name(self) -> str:
        """The skip module that this combination is tried with."""
        return other_skip_module(self.train_bundle.dataset, self.train_bundle.network)

    def training_stages(self) -> Iterator[Path]:
        """Plain, found, evaluated, and with another module."""
        yield self.plain()
        yield self.trained()
        yield self.postprocessing()
        yield self.evaluation()
        yield self.other_module()

    def search_faults(self) -> Iterator[str]:
        """Check that a search on a trained backbone freezes it."""
        provenance = load_genotype(self.architecture).provenance
        settings = cast(Mapping[str, object], provenance["settings"])
        if settings["frozen_backbone"] is not True:
            yield "search.json: a search on a trained backbone does not freeze it"

    def training_faults(self) -> Iterator[str]:
        """Check that the cell was implanted and trained, and the other module is as asked for."""
        yield from self._implanted()
        cost = read_json(self.other_module() / "network.json")
        if cost["skip_module"] != self.other_name:
            yield f"other/network.json: skip_module is {cost['skip_module']}, not {self.other_name}"
        state = load_state(self.other_module() / "models" / "model_final.pt")
        if any(CELL in key for key in state) is (self.other_name == "plain"):
            yield f"other/models/model_final.pt: is not of a network with '{self.other_name}'"

    def network_input(self, image: Tensor) -> Tensor:
        """All slices, in one window each."""
        bundle = self.inference_bundle
        patch = self.workbench.options(bundle).get(PATCH, bundle.config()[PATCH])
        window = ResizeWithPadOrCrop([*cast(Sequence[int], patch), -1])
        return torch.as_tensor(window(image)).movedim(-1, 0).float()

    def _implanted(self) -> Iterator[str]:
        """Check that the trained weights are those of the found cell in the trained backbone."""
        path = self.trained() / "models" / "model.pt"
        small = self.workbench.options(self.train_bundle)
        network = self.workbench.network(self.train_bundle, **{**small, **self.found()})
        load_weights(network, path)
        state, plain = load_state(path), load_state(self.plain() / "models" / "model.pt")
        kept = [value for key, value in state.items() if CELL not in key]
        if len(kept) != len(plain) or not all(map(torch.equal, kept, plain.values())):
            yield "cells/models/model.pt: the frozen backbone is not the trained one"
        # A cell's scale starts at zero, and only training moves it away.
        scales = [value for key, value in state.items() if key.endswith(f"{CELL}scale")]
        if not scales or not all(bool(scale.any()) for scale in scales):
            yield "cells/models/model.pt: a cell was not trained"

    def _plain_weights(self) -> str:
        return str(self.plain() / "models" / "model.pt")
