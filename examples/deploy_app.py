"""An application of MONAI Deploy that segments a NIfTI volume with a bundle.

    python examples/deploy_app.py -i IMAGE.nii.gz -o OUT -m MODEL

MODEL is the ``model.ts`` that ``ckpt_export`` wrote, or a bundle's folder. OUT gets ``pred.nii.gz``
on the grid of the image. It needs ``monai-deploy-app-sdk``, nibabel and SciPy.
"""

from __future__ import annotations

import logging
from pathlib import Path

import nibabel
import numpy as np
from monai.deploy.conditions import CountCondition
from monai.deploy.core import (
    AppContext,
    Application,
    Fragment,
    Image,
    IOType,
    Operator,
    OperatorSpec,
)
from monai.deploy.operators.monai_bundle_inference_operator import (
    IOMapping,
    MonaiBundleInferenceOperator,
)


class ReadNifti(Operator):
    """Read a volume with its affine, as MONAI's transforms expect them."""

    def __init__(self, fragment: Fragment, *args: object, path: Path, **kwargs: object) -> None:
        self.path = path
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Name the port."""
        spec.output("image")

    def compute(self, op_input: object, op_output: object, context: object) -> None:
        """Send the volume, (W, H, D)."""
        volume = nibabel.load(self.path)
        affine = volume.affine
        metadata = {
            "affine": affine.copy(),
            "original_affine": affine.copy(),
            "spacing": nibabel.affines.voxel_sizes(affine),
            "spatial_shape": np.asarray(volume.shape),
            "original_channel_dim": "no_channel",
            "filename_or_obj": str(self.path),
            "space": "RAS",
        }
        op_output.emit(Image(volume.get_fdata(dtype=np.float32), metadata), "image")


class WriteNifti(Operator):
    """Write the label map on the grid of its image."""

    def __init__(self, fragment: Fragment, *args: object, path: Path, **kwargs: object) -> None:
        self.path = path
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Name the port."""
        spec.input("pred")

    def compute(self, op_input: object, op_output: object, context: object) -> None:
        """Write what comes as (D, H, W), as the SDK has it."""
        found = op_input.receive("pred")
        labels = np.swapaxes(found.asnumpy(), 0, 2)
        affine = np.asarray(found.metadata()["original_affine"], dtype=float)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(labels, affine), self.path)


class Segmentation(Application):
    """Reader, bundle, writer."""

    def compose(self) -> None:
        """Connect the operators."""
        context: AppContext = Application.init_app_context(self.argv)
        if Path(context.model_path).is_dir():
            # To the SDK a folder is a model that it cannot run; the operator reads it as a bundle.
            context.models = None
        read = ReadNifti(self, CountCondition(self, 1), path=Path(context.input_path), name="read")
        segment = MonaiBundleInferenceOperator(
            self,
            input_mapping=[IOMapping("image", Image, IOType.IN_MEMORY)],
            output_mapping=[IOMapping("pred", Image, IOType.IN_MEMORY)],
            app_context=context,
            bundle_path=context.model_path,
            name="segment",
        )
        write = WriteNifti(self, path=Path(context.output_path) / "pred.nii.gz", name="write")
        self.add_flow(read, segment, {("image", "image")})
        self.add_flow(segment, write, {("pred", "pred")})


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    Segmentation().run()
