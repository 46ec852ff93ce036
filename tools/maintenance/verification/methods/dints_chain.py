"""The stages of a DiNTS search: the search, and the found network from scratch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, cast

from torch import Tensor

from iac_components.dints import load_architecture
from iac_components.networks import load_weights
from iac_components.visualization import read_summary
from tools.maintenance.verification.chain import Chain
from tools.maintenance.verification.lively import end_patches

__all__ = ["DintsChain"]


class DintsChain(Chain):
    """Search, training of the found architecture, evaluation, inference."""

    outputs: ClassVar = {
        "search": (
            "architecture.json",
            "architecture_last.json",
            "search_trace.csv",
            "search_summary.csv",
            "topology.png",
            "entropies.png",
            "expected_memory.png",
            "path_probabilities.png",
            "checkpoints/checkpoint_epoch=*.pt",
        ),
        "trained": (
            "models/model.pt",
            "models/model_final.pt",
            "network.json",
            "checkpoints/checkpoint_epoch=*.pt",
        ),
        "postprocessing": ("postprocessing.json", "component_counts.json"),
        "evaluation": ("metrics.csv", "metrics.json"),
    }

    def search(self) -> Path:
        """Search a topology."""
        return self._once("search", lambda: self._run("search", self.search_bundle, {}))

    def trained(self) -> Path:
        """Train the found architecture from scratch."""

        def run() -> None:
            self.search()
            options = {**self.found(), **self._models("trained")}
            self._run("trained", self.train_bundle, options)

        return self._once("trained", run)

    def training_stages(self) -> Iterator[Path]:
        """Trained, and evaluated."""
        yield self.trained()
        yield self.postprocessing()
        yield self.evaluation()

    def search_faults(self) -> Iterator[str]:
        """Check that the search used the requested space and wrote the columns that plots read."""
        given = self.workbench.options(self.search_bundle)
        space = load_architecture(self.architecture).space
        for key in ("num_blocks", "num_depths", "channel_mul"):
            if key in given and getattr(space, key) != given[key]:
                yield f"search/architecture.json: {key} is {getattr(space, key)}, not {given[key]}"
        try:
            epochs = len(read_summary(self.search() / "search_summary.csv").epochs)
        except (OSError, ValueError) as error:
            yield str(error)
        else:
            if epochs != given["epochs"]:
                yield f"search/search_summary.csv: {epochs} epochs, not {given['epochs']}"

    def training_faults(self) -> Iterator[str]:
        """Check that the trained weights are those of the found architecture."""
        small = self.workbench.options(self.train_bundle)
        network = self.workbench.network(self.train_bundle, **{**small, **self.found()})
        load_weights(network, self.trained() / "models" / "model.pt")
        yield from ()

    def network_input(self, image: Tensor) -> Tensor:
        """Return a patch at one end of the volume and one at the other."""
        size = self.workbench.options(self.inference_bundle)["patch_size"]
        return end_patches(image, cast(Sequence[int], size))
