"""Texts and codes of a DICOM item."""

from __future__ import annotations

from pydicom.dataset import Dataset

_VALUES = ("CodeValue", "LongCodeValue", "URNCodeValue")


def text_of(dataset: Dataset, keyword: str) -> str | None:
    """Return a text without surrounding spaces; None where empty."""
    return str(dataset.get(keyword) or "").strip() or None


def code_of(dataset: Dataset, keyword: str) -> tuple[str, str, str] | None:
    """Return (scheme, value, meaning) of a code sequence; None where it is absent or empty."""
    items = dataset.get(keyword)
    if not items:
        return None
    value = next((v for name in _VALUES if (v := text_of(items[0], name))), "")
    return (
        text_of(items[0], "CodingSchemeDesignator") or "",
        value,
        text_of(items[0], "CodeMeaning") or "",
    )
