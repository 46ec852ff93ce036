"""The commands of ``iac``: a module each, with ``add_arguments``, ``run`` and ``EXAMPLE``.

``running`` starts bundles. A command's module is imported when it is asked for, since most of them
import torch.
"""

from __future__ import annotations
