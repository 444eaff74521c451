"""What is doubtful about a volume that can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from imaging.header import InstanceHeader
from imaging.series_check import ENHANCED, LOSSY, MODALITIES

_COARSE_BITS = 8
"""256 steps over the range of CT or MR are coarser than an enhancement of 10 HU."""
_FEWEST_TO_ORDER = 5
"""Of fewer slices, two that are out of order may be half of all."""
_TOUCHING = 1.5
"""Slices this much farther apart than they are thick may be every second one of a volume."""


def volume_flags(headers: Sequence[InstanceHeader], spacing_mm: float) -> set[str]:
    """Return the flags that the headers of one volume raise, ``spacing_mm`` from slice to slice."""
    flags = _value_flags(headers)
    if any(h.frame_of_reference_uid is None for h in headers):
        flags.add("no_frame_of_reference")
    if any(h.image_type[:1] == ("DERIVED",) for h in headers):
        flags.add("derived_image")
    if len({h.acquisition_number for h in headers}) > 1:
        flags.add("several_acquisitions")
    thickness = max((h.slice_thickness or 0.0 for h in headers), default=0.0)
    if thickness > 0 and spacing_mm > _TOUCHING * thickness:
        flags.add("gaps_between_slices")
    if any(not h.has_preamble for h in headers):
        flags.add("no_preamble")
    if _out_of_order(headers):
        flags.add("slices_out_of_order")
    if any(_surplus(h) for h in headers):
        flags.add("surplus_pixel_data")
    return flags


def _out_of_order(headers: Sequence[InstanceHeader]) -> bool:
    """Return whether a few slices, given in order of position, leave the order of their numbers.

    Numbers that run up or down throughout say nothing, nor do those of slices that were acquired
    in turns, or numbered at random: then most are out of order.
    """
    numbers = [(h.instance_number or 0, h.frame_number or 0) for h in headers]
    if len(headers) < _FEWEST_TO_ORDER or len(set(numbers)) < len(numbers):
        return False
    rising = sorted(numbers)
    misplaced = min(
        sum(one != two for one, two in zip(numbers, order, strict=True))
        for order in (rising, rising[::-1])
    )
    return 0 < misplaced <= max(2, len(headers) // 4)


def _surplus(header: InstanceHeader) -> bool:
    """Return whether uncompressed pixel data hold a row or column more than the header says."""
    if header.pixel_length is None:
        return False
    width = (header.bits_allocated or 8) // 8
    rows, columns = header.rows or 0, header.columns or 0
    surplus = header.pixel_length - rows * columns * width * header.number_of_frames
    return surplus >= min(rows, columns) * width


def _value_flags(headers: Sequence[InstanceHeader]) -> set[str]:
    """Return the flags that concern what the values of a volume mean."""
    kind = MODALITIES[headers[0].sop_class_uid]
    found = {
        "lossy_compressed": any(h.lossy or h.transfer_syntax in LOSSY for h in headers),
        "rescale_differs_between_slices": len(
            {(h.rescale_slope, h.rescale_intercept) for h in headers}
        )
        > 1,
        "scale_factors_differ": len({h.scale_slope_philips for h in headers}) > 1,
        "eight_bits": any((h.bits_stored or 16) <= _COARSE_BITS for h in headers),
        "hounsfield_unstated": kind == "CT" and any(h.rescale_type == "US" for h in headers),
        "no_units": kind == "PT" and any(h.units is None for h in headers),
    }
    return {flag for flag, raised in found.items() if raised}


def series_flags(
    instances: Sequence[InstanceHeader], volumes: Sequence[Sequence[InstanceHeader]]
) -> set[str]:
    """Return the flags that concern every volume of a series UID.

    Parameters
    ----------
    instances : all of the series, with those left out, without copies
    volumes : the slices of each volume
    """
    flags = set()
    single = [h for h in instances if h.sop_class_uid not in ENHANCED]
    numbers = {h.instance_number for h in single if h.instance_number is not None}
    if numbers and (min(numbers) != 1 or max(numbers) != len(numbers)):
        flags.add("instance_number_gap")
    found = Counter(h.acquisition_number for h in instances)
    if any((h.images_in_acquisition or 0) > found[h.acquisition_number] for h in instances):
        flags.add("fewer_images_than_stated")
    misnamed = sum(h.meta_instance_uid not in (h.sop_instance_uid, None) for h in instances)
    if 0 < misnamed < len(instances):
        flags.add("instance_uid_differs")  # all of them: an anonymiser's doing, no damage
    if _scales_differ(volumes):
        flags.add("scale_factors_differ")
    return flags


def _scales_differ(volumes: Sequence[Sequence[InstanceHeader]]) -> bool:
    """Return whether signal cannot be compared between the volumes of an MR series."""
    scales = {
        tuple(sorted({str((h.rescale_slope, h.scale_slope_philips)) for h in volume}))
        for volume in volumes
        if MODALITIES[volume[0].sop_class_uid] == "MR"
    }
    return len(scales) > 1
