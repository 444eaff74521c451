"""Label images of an archive: ids for files that name nothing but their own content."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from imaging.volume import LeftOut
from sumdiam.archive.catalogue import SegFile


def without_copies(masks: Iterable[SegFile]) -> tuple[list[SegFile], list[LeftOut]]:
    """Return label images with ids of their own, and the copies that are left out.

    Notes
    -----
    A label image names neither study nor series, so that equal files are no copies in general:
    two visits without a lesion left have the same file of zeros. Only of equal files in one folder
    is all but the first left out. Where equal files lie in several folders, and always where a
    file holds no voxel, the name in the archive is part of the id; else the id is the SHA-256.
    """
    ordered = sorted(masks, key=lambda mask: mask.file)
    folders: dict[tuple[str, str], SegFile] = {}
    copies = []
    for mask in ordered:
        first = folders.setdefault((mask.header.object_id, str(Path(mask.path).parent)), mask)
        if first is not mask:
            copies.append(LeftOut(mask.file, "duplicate", f"copy of {first.file}"))
    kept = list(folders.values())
    times = Counter(mask.header.object_id for mask in kept)
    return [_with_own_id(mask, times[mask.header.object_id]) for mask in kept], copies


def _with_own_id(mask: SegFile, times: int) -> SegFile:
    """Return a label image whose id tells it from others of the same content."""
    if times == 1 and mask.header.holds_voxels:
        return mask
    named = f"{mask.header.object_id} {mask.file}".encode()
    header = replace(mask.header, object_id=hashlib.sha256(named).hexdigest())
    return replace(mask, header=header)
