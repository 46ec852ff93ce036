"""Items of an evaluation, and an evaluator that scores them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from monai.data import DataLoader, Dataset, MetaTensor
from monai.engines import SupervisedEvaluator
from monai.transforms import AsDiscreted

from iac_components.evaluation import PatientMetrics

CLASSES = ["LV", "RV"]
ARGMAX = AsDiscreted("pred", argmax=True)


class OneHot(torch.nn.Module):
    """Turns a label map into scores, so that the prediction is the image."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat([(image == index).float() for index in range(3)], dim=1)


def item(
    patient: str, case: str, seed: int, shape: Sequence[int] = (6, 7, 5), meta: bool = True
) -> dict[str, object]:
    """An image that is the prediction, and its label; voxels of 2, 1 and 5 mm, axes turned."""
    generator = torch.Generator().manual_seed(seed)
    image, label = torch.randint(0, 3, (2, 1, *shape), generator=generator).float()
    affine = torch.tensor(
        [[0.0, 1, 0, 9], [2, 0, 0, -7], [0, 0, -5, 3], [0, 0, 0, 1]], dtype=torch.float64
    )
    if meta:
        image, label = MetaTensor(image, affine=affine), MetaTensor(label, affine=affine)
    return {"image": image, "label": label, "patient": patient, "case": case}


def evaluate(
    handler: PatientMetrics, items: Sequence[dict[str, object]], **options: object
) -> SupervisedEvaluator:
    settings = {"device": torch.device("cpu"), "postprocessing": ARGMAX, **options}
    evaluator = SupervisedEvaluator(
        val_data_loader=DataLoader(Dataset(list(items)), batch_size=2),
        network=OneHot(),
        val_handlers=[handler],
        **settings,
    )
    # Ignite logs each error before raising it; the tests look at the error itself.
    evaluator.logger.setLevel(logging.CRITICAL)
    evaluator.run()
    return evaluator
