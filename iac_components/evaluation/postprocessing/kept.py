"""Classes of which only the largest connected component is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monai.transforms.post.dictionary import KeepLargestConnectedComponentd

__all__ = ["KeptComponents"]


@dataclass(frozen=True)
class KeptComponents:
    """Rule of a label map's components: voxels outside of the largest become background.

    Voxels that touch by a corner are connected, as in nnU-Net.

    Attributes:
        foreground: keep the largest component of all classes together, first.
        classes: keep the largest component of each of these classes.
    """

    foreground: bool = False
    classes: tuple[str, ...] = ()

    def transforms(
        self, class_names: Sequence[str], *, keys: str = "pred"
    ) -> list[KeepLargestConnectedComponentd]:
        """Return MONAI's transforms of a label map ``(1, *S)``, in their order.

        Args:
            class_names: of the foreground classes; label i + 1 is ``class_names[i]``.
            keys: of the label map.

        Raises:
            ValueError: if a class is unknown.
        """
        unknown = [name for name in self.classes if name not in class_names]
        if unknown:
            raise ValueError(
                f"largest component of '{unknown[0]}': the classes are {', '.join(class_names)}."
            )
        groups: list[tuple[list[int], bool]] = []
        if self.foreground:
            groups.append((list(range(1, len(class_names) + 1)), False))
        if self.classes:
            groups.append(([class_names.index(name) + 1 for name in self.classes], True))
        return [
            KeepLargestConnectedComponentd(
                keys, applied_labels=labels, is_onehot=False, independent=independent
            )
            for labels, independent in groups
        ]

    def describe(self) -> str:
        """Name what is kept: ``the foreground and of liver, spleen``; empty for nothing."""
        parts = ["the foreground as a whole"] if self.foreground else []
        return " and of ".join([*parts, *([", ".join(self.classes)] if self.classes else [])])
