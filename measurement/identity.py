"""Names of measurements and lesions that stay the same when data are read again."""

from __future__ import annotations

import hashlib

SEPARATOR = "\x1f"
LESION_DIGITS = 8
MEASUREMENT_DIGITS = 16


def measurement_id(
    subject_id: str, reader: str, lesion_id: str, timepoint: int, quantity: str
) -> str:
    """Name of one measured value over all its revisions: 16 hexadecimal digits.

    Raises
    ------
    ValueError
        If a part holds the separator, as two values could then share a name.

    Examples
    --------
    >>> measurement_id("S01", "auto", "L1", 0, "viable_diameter")
    'eef88368934c6f6e'
    """
    parts = (subject_id, reader, lesion_id, str(int(timepoint)), quantity)
    if any(SEPARATOR in part for part in parts):
        msg = f"lesion {lesion_id!r}: an id holds the control character U+001F; remove it"
        raise ValueError(msg)
    return _digest(SEPARATOR.join(parts), MEASUREMENT_DIGITS)


def lesion_id_from_mask(mask_id: str) -> str:
    """Name of a lesion that nobody has named: a digest of its first mask's id.

    Examples
    --------
    >>> lesion_id_from_mask("1.2.3#4")
    'L14e58433'
    """
    return "L" + _digest(mask_id, LESION_DIGITS)


def _digest(text: str, digits: int) -> str:
    """Return the first hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
