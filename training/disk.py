"""Whether there is room on the disk."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

_HARDLY_ANY_SPACE = 2**20


def is_full_disk(error: Exception, folder: Path) -> bool:
    """Tell whether a write failed for want of space; torch and safetensors do not say so by an errno."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return "No space left" in str(error) or shutil.disk_usage(folder).free < _HARDLY_ANY_SPACE
