"""The commands of ``iac``: a module each, with ``add_arguments``, ``run`` and ``EXAMPLE``.

``program`` chooses among them and tells errors; ``running`` is what starts bundles. A command's
module is imported when it is asked for, since most of them import torch.
"""

from __future__ import annotations
