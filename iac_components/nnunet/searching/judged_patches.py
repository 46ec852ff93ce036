"""Patches of the architecture half that an audit judges the parts of a cell on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from nnunetv2.training.dataloading.data_loader import nnUNetDataLoader
from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from torch import Tensor

from iac_components.nnunet.plans.options import SearchOptions
from iac_components.search import SearchAudit, build_audit

__all__ = ["JudgedPatches", "PatchBatch", "audit_on_patches", "draw_patches"]

PatchBatch = Mapping[str, Tensor]
"""Of nnU-Net's loader: ``data`` (B, C, *S) and ``target`` (B, 1 or regions, *S)."""


class JudgedPatches:
    """A few patches of each patient, as nnU-Net's loader draws them, the same in every run.

    Args:
        draw: draws a batch of one case, without augmentation, from NumPy's global generator.
        patients: of each case.
        cases: to draw from, in this order.
        seed: of the search.
    """

    def __init__(
        self,
        draw: Callable[[str], PatchBatch],
        *,
        patients: Mapping[str, str],
        cases: Sequence[str],
        seed: int,
    ) -> None:
        self.draw = draw
        self.patients = patients
        self.cases = cases
        self.seed = seed

    def __iter__(self) -> Iterator[dict[str, object]]:
        """Yield a batch a case: ``image``, ``label`` and ``patient``, a name for each patch."""
        for number, case in enumerate(self.cases):
            state = np.random.get_state()
            # nnU-Net's loader knows no other generator.
            np.random.seed([self.seed, number])
            try:
                batch = self.draw(case)
            finally:
                np.random.set_state(state)
            names = [self.patients[case]] * len(batch["data"])
            yield {"image": batch["data"], "label": batch["target"], "patient": names}


def audit_on_patches(
    trainer: nnUNetTrainer,
    options: SearchOptions,
    *,
    patients: Mapping[str, str],
    cases: Sequence[str],
) -> SearchAudit:
    """Return the audit of a search, by nnU-Net's loss on the finest output.

    Args:
        trainer: initialized, with a supernet for its network.
        options: of the search.
        patients: of each case.
        cases: the architecture half.
    """
    patches = JudgedPatches(
        partial(draw_patches, trainer, count=options.images_a_patient),
        patients=patients,
        cases=cases,
        seed=options.seed,
    )
    loss = trainer.loss
    return build_audit(
        trainer.network,
        patches,
        loss.loss if isinstance(loss, DeepSupervisionWrapper) else loss,
        settings=options.audit_settings(),
        criterion=options.criterion,
        image_shape=(trainer.num_input_channels, *trainer.configuration_manager.patch_size),
        images_a_patient=options.images_a_patient,
        batch_size=trainer.batch_size,
        device=trainer.device,
        trace_file=Path(trainer.output_folder) / "audit_trace.csv",
    )


def draw_patches(trainer: nnUNetTrainer, case: str, *, count: int) -> PatchBatch:
    """Draw some patches of a case, as nnU-Net draws those that it validates on.

    Args:
        trainer: whose data, patch size and labels count.
        case: nnU-Net's name.
        count: of the patches.
    """
    manager, patch = trainer.label_manager, trainer.configuration_manager.patch_size
    dataset = trainer.dataset_class(
        trainer.preprocessed_dataset_folder,
        [case],
        folder_with_segs_from_previous_stage=trainer.folder_with_segs_from_previous_stage,
    )
    transforms = trainer.get_validation_transforms(
        None,
        is_cascaded=trainer.is_cascaded,
        foreground_labels=manager.foreground_labels,
        regions=manager.foreground_regions if manager.has_regions else None,
        ignore_label=manager.ignore_label,
    )
    loader = nnUNetDataLoader(
        dataset,
        count,
        patch,
        patch,
        manager,
        oversample_foreground_percent=trainer.oversample_foreground_percent,
        transforms=transforms,
    )
    batch: PatchBatch = loader.generate_train_batch()
    return batch
