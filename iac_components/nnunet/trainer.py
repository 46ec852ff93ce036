"""nnU-Net's trainer for a network with cells that begins with trained weights."""

from __future__ import annotations

from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.utilities.plans_handling.plans_handler import ConfigurationManager, PlansManager
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from iac_components.networks import ImplantedNetwork
from iac_components.nnunet.building import build_cell_network
from iac_components.nnunet.plans.options import TrainingOptions, read_options
from iac_components.nnunet.plans.reading import PlansError, own_section
from iac_components.nnunet.weights.starting import begin_with, trained_weights, unwrapped

__all__ = ["nnUNetTrainerIAC"]


class nnUNetTrainerIAC(nnUNetTrainer):  # noqa: N801 - nnU-Net finds trainers by such names.
    """Train a network with cells, as a whole or in its cells alone, from trained weights.

    Everything else is nnU-Net's: data, augmentation, loss, schedule, validation. The options are
    those that ``python -m iac_components.nnunet plans`` wrote into the plans. nnU-Net's
    ``-pretrained_weights`` cannot do this: it refuses a network with modules that the file lacks.
    """

    @staticmethod
    def build_network_architecture(
        plans_manager: PlansManager,
        configuration_manager: ConfigurationManager,
        num_input_channels: int,
        num_output_channels: int,
        enable_deep_supervision: bool = True,
    ) -> nn.Module:
        """Build the network with its cells, for training and for prediction."""
        return build_cell_network(
            configuration_manager.configuration["architecture"],
            num_input_channels,
            num_output_channels,
            deep_supervision=enable_deep_supervision,
        )

    def initialize(self) -> None:
        """Read the options, then do as nnU-Net does."""
        section = own_section(self.plans_manager.plans)
        self.options = read_options(TrainingOptions, section.get("training") or {})
        if self.options.epochs is not None:
            self.num_epochs = self.options.epochs
        if self.options.steps_per_epoch is not None:
            self.num_iterations_per_epoch = self.options.steps_per_epoch
        if self.options.learning_rate is not None:
            self.initial_lr = self.options.learning_rate
        super().initialize()

    def configure_optimizers(self) -> tuple[Optimizer, LRScheduler]:
        """Freeze what is to stay as it is, then do as nnU-Net does."""
        # Not later: several processes count the parameters that train when they are wrapped.
        self.frozen = None
        if self.options.frozen:
            self.frozen = ImplantedNetwork(unwrapped(self.network), frozen_backbone=True)
            if not self.frozen.cell_parameters():
                raise PlansError("frozen leaves nothing to train: the genotype has no cell.")
        optimizer, schedule = super().configure_optimizers()
        return optimizer, schedule

    def on_train_start(self) -> None:
        """Begin with the trained weights, unless a training is resumed."""
        if not self.was_initialized:
            self.initialize()
        if self.current_epoch == 0:
            path = trained_weights(
                self.options.weights,
                plans=self.plans_manager.plans,
                configuration=self.configuration_name,
                fold=self.fold,
                output_folder=self.output_folder,
            )
            begin_with(self.network, path)
            self.print_to_log_file(f"The network begins with the weights of {path}")
        super().on_train_start()

    def on_train_epoch_start(self) -> None:
        """Keep a frozen network in eval mode; nnU-Net's dropout would stay active."""
        super().on_train_epoch_start()
        if self.frozen is not None:
            self.frozen.train()
