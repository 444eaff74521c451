"""Ids that stay the same when new data come: digests of what they name."""

from __future__ import annotations

import hashlib

_DIGITS = 16
_LESION_DIGITS = 10


def measurement_id(
    subject_id: str, reader: str, lesion_id: str, timepoint: int, quantity: str
) -> str:
    """Return the id of a measurement: 16 hexadecimal digits of the digest of its key."""
    parts = (subject_id, reader, lesion_id, str(timepoint), quantity)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:_DIGITS]


def lesion_id_from_mask(mask_id: str) -> str:
    """Return the id of a lesion that nobody named: a short digest of its first mask's id."""
    return "L" + hashlib.sha256(mask_id.encode()).hexdigest()[:_LESION_DIGITS]
