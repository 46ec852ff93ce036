"""nnU-Net's trainer that searches a cell around a network that nnU-Net trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from batchgenerators.dataloading.nondet_multi_threaded_augmenter import (
    NonDetMultiThreadedAugmenter,
)
from monai.utils import set_determinism
from nnunetv2.training.lr_scheduler.polylr import PolyLRScheduler
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.utilities.plans_handling.plans_handler import ConfigurationManager, PlansManager
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from iac_components.common.files.tensor_files import read_tensors, write_tensors
from iac_components.engine import RunRecord
from iac_components.interface.api.engines.components import architecture_optimizer, weight_optimizer
from iac_components.networks import CellSearchNetwork
from iac_components.nnunet.building import build_plain_network
from iac_components.nnunet.decoder import blockwise
from iac_components.nnunet.network import dry_pass_shape
from iac_components.nnunet.plans.options import SearchOptions, read_options
from iac_components.nnunet.plans.reading import own_section
from iac_components.nnunet.searching.halves import patients_of, split_halves
from iac_components.nnunet.searching.judged_patches import PatchBatch, audit_on_patches
from iac_components.nnunet.searching.loop import SearchLoop
from iac_components.nnunet.searching.results import search_record, write_results
from iac_components.nnunet.weights.starting import begin_with, trained_weights
from iac_components.search import forget_parameters

__all__ = ["nnUNetTrainerIACSearch"]


class _SearchEnded(Exception):  # noqa: N818 - no error: one cell is left.
    pass


class nnUNetTrainerIACSearch(nnUNetTrainer):  # noqa: N801 - nnU-Net finds trainers by such names.
    """Search a cell in nnU-Net's loop: its data, augmentation, loss and validation patches.

    The training cases of the fold are divided by patient: one half for the weights of the cells,
    one for the architecture; both are augmented as in a training. The network of the plans begins
    with its trained weights. The result lies in the folder of the fold: ``genotype.json``,
    ``search_trace.csv`` and the pictures of every search. ``--c`` continues a search.

    Differs from a training: AdamW at a constant rate for the weights, as in the project's own
    search; no ``torch.compile``, since what is pruned goes from the network; no validation of whole
    cases at the end, since nobody uses a supernet.
    """

    @staticmethod
    def build_network_architecture(
        plans_manager: PlansManager,
        configuration_manager: ConfigurationManager,
        num_input_channels: int,
        num_output_channels: int,
        enable_deep_supervision: bool = True,
    ) -> nn.Module:
        """Build the supernet."""
        architecture = configuration_manager.configuration["architecture"]
        plain = build_plain_network(
            architecture,
            num_input_channels,
            num_output_channels,
            deep_supervision=enable_deep_supervision,
        )
        shape = dry_pass_shape(num_input_channels, architecture["arch_kwargs"]["strides"])
        space = _options(plans_manager).space()
        return CellSearchNetwork(blockwise(plain), input_shape=shape, **space)  # type: ignore[arg-type]

    def initialize(self) -> None:
        """Read the options, then build network, optimizers and audit."""
        if self.is_ddp:
            raise RuntimeError("a search inside nnU-Net runs in one process: leave -num_gpus out.")
        self.options = _options(self.plans_manager)
        self.num_epochs = self.options.epochs
        self.num_iterations_per_epoch = self.options.steps_per_epoch
        self.initial_lr = self.options.rate
        self.save_every = 1
        set_determinism(seed=self.options.seed)
        super().initialize()
        train, self.validation_cases = super().do_split()
        self.patients = patients_of(train, self.options.groups)
        self.halves = split_halves(train, self.patients, seed=self.options.seed, fold=self.fold)
        with self._one_output():
            self.audit = audit_on_patches(
                self, self.options, patients=self.patients, cases=self.halves["architecture"]
            )
        self.loop = SearchLoop(
            self.network,
            self.options,
            weight_optimizer=self.optimizer,
            architecture_optimizer=self.architecture_optimizer,
            audit=self.audit,
            trace_file=Path(self.output_folder) / "search_trace.csv",
        )

    def _do_i_compile(self) -> bool:
        return False

    def configure_optimizers(self) -> tuple[Optimizer, LRScheduler]:
        """Return AdamW for the weights, at a constant rate, and keep Adam for the architecture."""
        network: CellSearchNetwork = self.network
        optimizer = weight_optimizer(network.weight_parameters(), self.initial_lr)
        self.architecture_optimizer = architecture_optimizer(
            network.architecture_parameters(), self.options.architecture_learning_rate
        )
        # A saved supernet that had been pruned prunes this one before nnU-Net loads the optimizer.
        register: Callable[..., object] = network.register_load_state_dict_post_hook
        register(lambda *_: forget_parameters(optimizer, network.weight_parameters()))
        return optimizer, PolyLRScheduler(optimizer, self.initial_lr, self.num_epochs, exponent=0)

    def set_deep_supervision_enabled(self, enabled: bool) -> None:
        """Tell the decoder within the supernet."""
        self.network.backbone.decoder.deep_supervision = enabled

    def do_split(self) -> tuple[list[str], list[str]]:
        """Return one half of the fold's training cases, and its validation cases."""
        return self.halves[self._half], self.validation_cases

    _half = "weights"

    @contextmanager
    def _architecture_half(self) -> Iterator[None]:
        self._half = "architecture"
        try:
            yield
        finally:
            self._half = "weights"

    def get_dataloaders(self) -> tuple[Iterator[PatchBatch], Iterator[PatchBatch]]:
        """Return nnU-Net's loaders, and keep another of the architecture half."""
        with self._architecture_half():
            self.dataloader_architecture, spare = super().get_dataloaders()
        _finish(spare)
        loaders: tuple[Iterator[PatchBatch], Iterator[PatchBatch]] = super().get_dataloaders()
        return loaders

    def on_train_start(self) -> None:
        """Begin with the trained weights, unless a search is resumed."""
        if not self.was_initialized:
            self.initialize()
        path = trained_weights(
            self.options.weights,
            plans=self.plans_manager.plans,
            configuration=self.configuration_name,
            fold=self.fold,
            output_folder=self.output_folder,
        )
        if self.current_epoch == 0:
            begin_with(self.network.backbone, path)
        self.record = self._build_record(path)
        super().on_train_start()
        with self._one_output():
            self.loop.start()

    def run_training(self) -> None:
        """Run nnU-Net's loop until one cell is left, or to its end."""
        if self.was_initialized and self.loop.decided:
            self.on_train_start()
            self.on_train_end()
            return
        try:
            super().run_training()
        except _SearchEnded:
            self.on_train_end()

    def on_train_epoch_start(self) -> None:
        """Begin an epoch."""
        super().on_train_epoch_start()
        self.loop.start_epoch()

    def train_step(self, batch: PatchBatch) -> dict[str, object]:
        """Do nnU-Net's step for the weights, then perhaps one for the architecture."""
        self.network.architecture.requires_grad_(False)
        try:
            result: dict[str, object] = super().train_step(batch)
        finally:
            self.network.architecture.requires_grad_(True)
        self.loop.end_step(self._architecture_loss, self.grad_scaler)
        return result

    def _architecture_loss(self) -> Tensor:
        batch = next(self.dataloader_architecture)
        image, target = batch["data"].to(self.device), batch["target"]
        on_device = (
            [part.to(self.device) for part in target]
            if isinstance(target, list)
            else target.to(self.device)
        )
        with torch.autocast("cuda", enabled=self.device.type == "cuda"):
            loss: Tensor = self.loss(self.network(image), on_device)
        return loss

    def on_train_epoch_end(self, train_outputs: list[dict[str, object]]) -> None:
        """Judge the epoch and prune, before nnU-Net validates."""
        super().on_train_epoch_end(train_outputs)
        with self._one_output():
            self.loop.end_epoch()
        described = ", ".join(f"{name} {value}" for name, value in self.network.describe().items())
        self.print_to_log_file(f"search: {described}")

    def on_epoch_end(self) -> None:
        """End the search when one cell is left."""
        super().on_epoch_end()
        if self.loop.decided:
            raise _SearchEnded

    def on_train_end(self) -> None:
        """Write what was found."""
        super().on_train_end()
        _finish(self.dataloader_architecture)
        # nnU-Net has just removed what this lies beside.
        _beside("checkpoint_latest.pth", self.output_folder).unlink(missing_ok=True)
        folder = Path(self.output_folder)
        with self._one_output():
            genotype = write_results(
                folder, self.network, trace=self.loop.trace, audit=self.audit, record=self.record
            )
        kind = genotype.provenance["kind"]
        self.print_to_log_file(f"The cell ({kind}) lies in {folder / 'genotype.json'}")

    def perform_actual_validation(self, save_probabilities: bool = False) -> None:
        """Leave the supernet unvalidated: the cell is what is used."""
        self.print_to_log_file(
            "A search validates no whole cases; train the network with the cell."
        )

    @contextmanager
    def _one_output(self) -> Iterator[None]:
        """Let the supernet give the finest output alone, which is what parts are judged by."""
        self.set_deep_supervision_enabled(False)
        try:
            yield
        finally:
            self.set_deep_supervision_enabled(self.enable_deep_supervision)

    def _build_record(self, weights: Path) -> RunRecord:
        about = {
            "dataset": self.plans_manager.dataset_name,
            "plans": own_section(self.plans_manager.plans)["source_plans"],
            "configuration": self.configuration_name,
            "fold": self.fold,
            "batch_size": self.batch_size,
        }
        return search_record(
            {**about, **self.options.plain()},
            weights=weights,
            halves=self.halves,
            patients=self.patients,
            epochs=self.num_epochs,
            steps_per_epoch=self.num_iterations_per_epoch,
        )

    def save_checkpoint(self, filename: str) -> None:
        """Save nnU-Net's checkpoint, and beside it what the search adds."""
        super().save_checkpoint(filename)
        if not self.disable_checkpointing:
            write_tensors(_beside(filename), self.loop.state_dict())

    def load_checkpoint(self, filename_or_checkpoint: str) -> None:
        """Load both."""
        super().load_checkpoint(filename_or_checkpoint)
        self.loop.load_state_dict(read_tensors(_beside(filename_or_checkpoint)))


def _options(plans_manager: PlansManager) -> SearchOptions:
    section = own_section(plans_manager.plans)
    return read_options(SearchOptions, section.get("search") or {})


def _beside(checkpoint: str, folder: str = "") -> Path:
    return Path(folder, checkpoint).with_suffix(".search.pt")


def _finish(loader: object) -> None:
    """End the processes of a loader, if it has any."""
    if isinstance(loader, NonDetMultiThreadedAugmenter):
        loader._finish()
