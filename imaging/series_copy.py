"""Copies of instances: dropped where identical, refused where they contradict one another."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from imaging.element import uid_name
from imaging.frame import FrameError, read_frames
from imaging.header import HeaderError, InstanceHeader, file_digest
from imaging.pixel_error import PixelError
from imaging.series_check import ENHANCED, Finding
from imaging.stored_word import stored_words


def drop_duplicates(
    headers: Sequence[InstanceHeader],
) -> tuple[list[InstanceHeader], list[InstanceHeader], Finding | None]:
    """Return instances once each, the identical copies, and a finding where copies differ.

    Copies are identical where their bytes are, or else where every value read from the header and
    every stored pixel is: one may be compressed, the other not.
    """
    by_uid: dict[tuple[str, int], list[InstanceHeader]] = defaultdict(list)
    for header in sorted(headers, key=lambda h: h.file):
        by_uid[header.sop_instance_uid or "", header.frame_number or 0].append(header)
    kept, copies = [], []
    for (uid, _), group in sorted(by_uid.items()):
        kept.append(group[0])
        for other in group[1:]:
            if not _same_content(group[0], other):
                files = f"{Path(group[0].file).name} and {Path(other.file).name}"
                return list(headers), [], ("same_uid_other_content", f"{uid} in {files}")
            copies.append(other)
    return kept, copies, None


def drop_renamed_copies(
    headers: Sequence[InstanceHeader],
) -> tuple[list[InstanceHeader], list[InstanceHeader]]:
    """Return slices once each, and their copies under other instance UIDs and numbers.

    Archives that anonymised one export twice hold such copies. Slices are copies where everything
    else that is read of their headers, and every stored pixel, is equal.
    """
    by_place: dict[object, list[InstanceHeader]] = defaultdict(list)
    for header in sorted(headers, key=lambda h: (h.file, h.frame_number or 0)):
        by_place[header.position].append(header)
    kept: list[InstanceHeader] = []
    copies = []
    for group in by_place.values():
        distinct: list[InstanceHeader] = []
        for header in group:
            if any(_same_pixels(header, other, renamed=True) for other in distinct):
                copies.append(header)
            else:
                distinct.append(header)
        kept += distinct
    return kept, copies


def frames_of(header: InstanceHeader) -> tuple[InstanceHeader, ...]:
    """Return the slices that a file holds: itself, or the frames of a multi-frame image.

    Raises
    ------
    FrameError, HeaderError
        As `imaging.frame.read_frames`; also for several frames in a class of single slices.
    """
    if header.frame_number is not None:
        return (header,)
    if header.sop_class_uid in ENHANCED:
        return read_frames(header)
    if header.number_of_frames != 1:
        detail = f"{header.number_of_frames} frames in {uid_name(header.sop_class_uid)}"
        raise FrameError("frames_not_described", header.file, detail)
    return (header,)


def _same_content(one: InstanceHeader, two: InstanceHeader) -> bool:
    """Return whether two files hold the same instance."""
    try:
        if one.file_bytes == two.file_bytes and file_digest(one.file) == file_digest(two.file):
            return True
    except OSError:
        return False
    return _same_pixels(one, two)


def _same_pixels(one: InstanceHeader, two: InstanceHeader, *, renamed: bool = False) -> bool:
    """Return whether headers and stored values are equal, frame by frame."""
    if _content(one, renamed=renamed) != _content(two, renamed=renamed):
        return False
    try:
        frames = zip(frames_of(one), frames_of(two), strict=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return all(
                _content(a, renamed=renamed) == _content(b, renamed=renamed)
                and np.array_equal(stored_words(a), stored_words(b))
                for a, b in frames
            )
    except (OSError, PixelError, HeaderError, FrameError):
        return False


def _content(header: InstanceHeader, *, renamed: bool) -> InstanceHeader:
    """Return the header without what depends on how the file was written, or named."""
    bare = replace(
        header,
        file="",
        file_bytes=0,
        has_preamble=True,
        transfer_syntax="",
        meta_instance_uid=None,
        pixel_offset=None,
        pixel_length=None,
    )
    if not renamed:
        return bare
    return replace(
        bare, sop_instance_uid=None, instance_number=None, frame_number=None, dimensions=()
    )
