"""Which code measures: the version, and between versions the code itself."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from sumdiam import __version__

_MEASURING = ("imaging", "measurement", "sumdiam/batch", "sumdiam/report/overlay.py")


@cache
def code_version() -> str:
    """Return the version; between two releases with a digest of the code that measures.

    A developer's change to the code would else leave the old numbers in a run's workspace, as the
    version alone stays what it was.

    Examples
    --------
    >>> code_version().startswith(__version__)
    True
    """
    if "dev" not in __version__:
        return __version__
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for part in _MEASURING:
        path = root / part
        for file in [path] if path.is_file() else sorted(path.glob("*.py")):
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return f"{__version__}+{digest.hexdigest()[:12]}"
