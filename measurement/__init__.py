"""Masks to millimetres: calipers that stay inside viable tumour, and their uncertainty.

Names are resolved on first use (PEP 562), so that reading `measurement.lesion_table` does not
import numba, scikit-image or SimpleITK.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Caliper": "measurement.diameter",
    "LesionImages": "measurement.reading",
    "LesionReading": "measurement.reading",
    "MeasuredQuantity": "measurement.reading",
    "MeasurementSettings": "measurement.reading",
    "Flag": "measurement.flag",
    "longest_diameter": "measurement.diameter",
    "measure_lesion": "measurement.lesion",
    "Measurements": "measurement.lesion_table",
    "Lesions": "measurement.lesion_table",
    "pivot_lesions": "measurement.pivot",
}

__all__ = [
    "Caliper",
    "Flag",
    "LesionImages",
    "LesionReading",
    "Lesions",
    "MeasuredQuantity",
    "MeasurementSettings",
    "Measurements",
    "longest_diameter",
    "measure_lesion",
    "pivot_lesions",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        msg = f"module 'measurement' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOME[name]), name)
