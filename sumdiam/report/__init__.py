"""The HTML report, its figures and overlays.

Names are resolved on first use (PEP 562): a worker that draws overlays need not import matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sumdiam.report.page import write_report
    from sumdiam.report.run_tables import InputDigest, RunFacts, RunTables

_HOME = {
    "InputDigest": "sumdiam.report.run_tables",
    "RunFacts": "sumdiam.report.run_tables",
    "RunTables": "sumdiam.report.run_tables",
    "write_report": "sumdiam.report.page",
}

__all__ = ["InputDigest", "RunFacts", "RunTables", "write_report"]


def __getattr__(name: str) -> Any:
    """Return a name of `__all__` from its module."""
    if name not in _HOME:
        msg = f"module 'sumdiam.report' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOME[name]), name)
