"""Volumes of an archive: instances grouped, split, ordered and validated."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from imaging import series_check, series_copy, series_date, series_flag
from imaging.frame import FrameError
from imaging.geometry import VolumeGeometry
from imaging.header import HeaderError, InstanceHeader
from imaging.pixel import padding_may_be_tissue, read_pixels, with_missing
from imaging.pixel_error import PixelError
from imaging.reason import ReasonedError
from imaging.series_left_out import left_out_slices
from imaging.series_split import Part, SplitError, split_always, split_positions
from imaging.slice_grid import GridError, SliceGrid, heights_mm, slice_grid
from imaging.stored_word import passable
from imaging.volume import LeftOut, LoadReport, Volume


class SeriesError(ReasonedError):
    """A series whose pixels cannot be read."""

    def __init__(
        self, reason_code: str, series_uid: str, detail: str, file: str | None = None
    ) -> None:
        where = f"series {series_uid}" + (f", file {Path(file).name}" if file else "")
        super().__init__(reason_code, where, detail)
        self.series_uid = series_uid
        self.file = file

    def __reduce__(self) -> tuple[type[SeriesError], tuple[str, str, str, str | None]]:
        return type(self), (self.reason_code, self.series_uid, self.detail, self.file)


@dataclass(frozen=True, slots=True, eq=False)
class ImageSeries:
    """Slices that form one volume, in order of increasing position along their normal.

    ``volume_id`` is the series UID, ``#`` and how the volume was told from the rest of its series:
    ``all`` where it is all of it, else for example ``acquisition=2``. ``headers`` holds one header
    for each slice, in order: of a file, or of one frame of it (``file``, ``frame_number``).
    ``missing_slices`` are the indices z that no header fills, where gaps were allowed.
    """

    volume_id: str
    study_uid: str
    series_uid: str
    patient_id: str
    subject_hint: str | None
    headers: tuple[InstanceHeader, ...]
    geometry: VolumeGeometry
    modality: str
    description: str | None
    acquired_on: date | None
    acquisition_time: str | None
    report: LoadReport
    missing_slices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedSeries:
    """Slices that form no volume that may be measured, and why."""

    series_uid: str
    study_uid: str
    patient_id: str
    reason_code: str
    detail: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grouping:
    """What the instances of an archive are: volumes, refused series, instances left out."""

    series: tuple[ImageSeries, ...] = ()
    refused: tuple[RefusedSeries, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def group_series(
    headers: Sequence[InstanceHeader],
    *,
    damaged_files: Iterable[str] = (),
    allow_gaps: bool | Collection[str] = False,
) -> Grouping:
    """Return the volumes that instances form, and what was refused or left out.

    Every instance ends in exactly one of the three. The order of ``headers`` changes nothing.

    Parameters
    ----------
    damaged_files : paths, optional
        Files whose header could not be read. A volume with files in the same folder is flagged
        ``damaged_file_beside``, since its first or last slice may be one of them.
    allow_gaps : bool or collection of series UIDs, optional
        Read a volume, of these series or any, in which slices are missing instead of refusing it.
        Each missing slice takes its place as padding, and the volume is flagged ``gap_allowed``.

    Notes
    -----
    Files are opened only where they hold many frames, or two share a SOP Instance UID. The header
    of a multi-frame file is replaced by one header for each frame. An instance that cannot be
    placed, or has no pixels, refuses its whole series; other faults refuse the volume they lie in,
    and flag the others of the series.
    """
    by_series: dict[str, list[InstanceHeader]] = defaultdict(list)
    left_out = []
    for header in headers:
        finding = series_check.not_a_slice(header)
        if finding is not None:
            left_out.append(LeftOut(header.file, *finding))
        else:
            by_series[header.series_uid or ""].append(header)
    gaps = set(by_series if allow_gaps is True else allow_gaps or ())
    results = [_one_series(own, allow_gaps=uid in gaps) for uid, own in sorted(by_series.items())]
    damaged = {str(file) for file in damaged_files}
    damaged |= {h.file for h in headers if series_check.looks_cut(h)}
    folders = {str(Path(file).parent) for file in damaged}
    return Grouping(
        series=tuple(
            _flag_damage(series, folders) for result in results for series in result.series
        ),
        refused=tuple(refused for result in results for refused in result.refused),
        left_out=tuple(
            sorted(
                left_out + [item for result in results for item in result.left_out],
                key=lambda item: (item.file, item.reason_code),
            )
        ),
    )


def load_volume(series: ImageSeries, *, slices: Collection[int] | None = None) -> Volume:
    """Return the values of a series as one volume.

    Parameters
    ----------
    slices : indices (z), optional
        Compressed slices are decoded only where they are wanted; the others are padding, and their
        values (-32768 or NaN) those of no tissue. A file that was cut short is still found. Slices
        that are not compressed are read all, as that costs next to nothing.

    Raises
    ------
    SeriesError
        Where pixel data are cut short, damaged, or not what the header announced.

    Notes
    -----
    HU for CT, signal for MR and PET. See `imaging.pixel.read_pixels` for padding and number type.
    """
    try:
        pixels = read_pixels(
            series.headers, hounsfield=series.modality == "CT", chosen=_chosen(series, slices)
        )
        array, padding = with_missing(pixels, series.missing_slices, series.headers[0].file)
    except PixelError as error:
        raise SeriesError(error.reason_code, series.series_uid, error.detail, error.file) from error
    thicknesses = [h.slice_thickness for h in series.headers if h.slice_thickness is not None]
    flags = {*series.report.flags, *pixels.flags}
    report = dataclasses.replace(series.report, flags=tuple(sorted(flags)))
    uids = [h.sop_instance_uid or "" for h in series.headers]
    numbers = [h.frame_number or 1 for h in series.headers]
    for z in series.missing_slices:  # in rising order, so that each index is the final one
        uids.insert(z, "")
        numbers.insert(z, 0)
    return Volume(
        array=array,
        geometry=series.geometry,
        unit="HU" if series.modality == "CT" else "signal",
        signal_unit=_common(h.units for h in series.headers),
        sop_instance_uids=tuple(uids),
        frame_numbers=tuple(numbers),
        volume_id=series.volume_id,
        padding=padding,
        slice_thickness_mm=max(thicknesses, default=None),
        report=report,
    )


def _chosen(series: ImageSeries, slices: Collection[int] | None) -> set[int] | None:
    """Return the slices to read; None for all of them."""
    if slices is None or series.missing_slices or padding_may_be_tissue(series.headers):
        return None  # in the last case every slice may bear on a flag
    return {z for z, h in enumerate(series.headers) if z in slices or not passable(h)}


def _refused(headers: Sequence[InstanceHeader], code: str, detail: str) -> RefusedSeries:
    """Refuse instances together."""
    first = min(headers, key=lambda h: h.file)
    return RefusedSeries(
        series_uid=first.series_uid or "",
        study_uid=first.study_uid or "",
        patient_id=first.patient_id or "",
        reason_code=code,
        detail=detail,
        files=tuple(sorted({h.file for h in headers})),
    )


def _one_series(headers: list[InstanceHeader], *, allow_gaps: bool) -> Grouping:
    """Group the instances of one series UID."""
    fault = _series_fault(headers)
    if fault is not None:
        return Grouping(refused=(_refused(headers, *fault),))
    kept, copies, fault = series_copy.drop_duplicates(headers)
    if fault is not None:
        return Grouping(refused=(_refused(headers, *fault),))
    left_out = [LeftOut(h.file, "duplicate", f"of {h.sop_instance_uid}") for h in copies]
    try:
        slices = [piece for header in kept for piece in series_copy.frames_of(header)]
    except (FrameError, HeaderError) as error:
        detail = f"{Path(error.file).name}: {error.detail}"
        return Grouping(refused=(_refused(kept, error.reason_code, detail),))
    frames: dict[str, list[InstanceHeader]] = defaultdict(list)
    no_source = []
    for header in slices:
        finding = series_check.not_a_source_image(header)
        if finding is not None:
            no_source.append((header, finding))
        else:
            frames[header.frame_of_reference_uid or ""].append(header)
    left_out += left_out_slices(no_source)
    fault = _placing_fault([header for group in frames.values() for header in group])
    if fault is not None:
        group = [header for group in frames.values() for header in group]
        return Grouping(refused=(_refused(group, *fault),), left_out=tuple(left_out))
    found = [
        _one_frame(
            group, f"frame={frame or 'none'}" if len(frames) > 1 else "", allow_gaps=allow_gaps
        )
        for frame, group in sorted(frames.items())
    ]
    left_out += [item for result in found for item in result.left_out]
    left_out.sort(key=lambda item: (item.file, item.reason_code))
    refused = tuple(item for result in found for item in result.refused)
    volumes = [series for result in found for series in result.series]
    shared = series_flag.series_flags(kept, [series.headers for series in volumes])
    shared |= {"series_partly_refused"} if refused else set()
    return Grouping(
        series=tuple(_with_shared(series, left_out, shared) for series in volumes),
        refused=refused,
        left_out=tuple(left_out),
    )


def _series_fault(headers: Sequence[InstanceHeader]) -> series_check.Finding | None:
    """Return why all instances of a series UID are refused together."""
    nameless = [h for h in headers if not (h.series_uid and h.study_uid and h.sop_instance_uid)]
    if nameless:
        return "no_uid", f"{len(nameless)} of {len(headers)} files"
    for code, values in (
        ("mixed_patients", {h.patient_id for h in headers}),
        ("mixed_patients", {h.clinical_trial_subject_id for h in headers} - {None}),
        ("mixed_studies", {h.study_uid for h in headers}),
    ):
        if len(values) > 1:
            return code, f"{len(values)} under one series UID"
    return series_check.incomplete(headers)


def _placing_fault(headers: Sequence[InstanceHeader]) -> series_check.Finding | None:
    """Return why the slices of a series cannot all be placed."""
    for header in sorted(headers, key=lambda h: h.file):
        finding = series_check.cannot_place(header)
        if finding is not None:
            return finding[0], f"{_named(header)}: {finding[1]}"
    return None


def _one_frame(headers: Sequence[InstanceHeader], label: str, *, allow_gaps: bool) -> Grouping:
    """Group the instances of one series and frame of reference."""
    series: list[ImageSeries] = []
    refused: list[RefusedSeries] = []
    left_out: list[LeftOut] = []
    for part in split_always(headers):
        try:
            volumes, copies = _split(part)
        except SplitError as error:
            refused.append(_refused(part.headers, error.reason_code, error.detail))
            continue
        left_out += left_out_slices(
            (h, ("duplicate", "the same values as another instance")) for h in copies
        )
        for volume in volumes:
            found = _one_volume(volume, label, allow_gaps=allow_gaps)
            series += found.series
            refused += found.refused
            left_out += found.left_out
    return Grouping(tuple(series), tuple(refused), tuple(left_out))


def _split(part: Part) -> tuple[list[Part], list[InstanceHeader]]:
    """Split by position; where nothing explains repeated ones, look for renamed copies."""
    try:
        return split_positions(part), []
    except SplitError as error:
        kept, copies = series_copy.drop_renamed_copies(part.headers)
        try:
            return split_positions(dataclasses.replace(part, headers=tuple(kept))), copies
        except SplitError:
            raise error from None  # it speaks of all slices


def _one_volume(part: Part, label: str, *, allow_gaps: bool) -> Grouping:
    """Validate the slices of one volume."""
    if len(part.headers) > 1 and _one_plane(part):
        repeated = ("bolus_tracking", f"{len(part.headers)} images of one plane")
        return Grouping(left_out=tuple(left_out_slices((h, repeated) for h in part.headers)))
    for header in sorted(part.headers, key=lambda h: h.file):
        finding = series_check.cannot_read(header)
        if finding is not None:
            detail = f"{_named(header)}: {finding[1]}"
            return Grouping(refused=(_refused(part.headers, finding[0], detail),))
    try:
        grid = slice_grid(part.headers, allow_gaps=allow_gaps)
    except GridError as error:
        return Grouping(refused=(_refused(part.headers, error.reason_code, error.detail),))
    whole = ",".join(name for name in (label, part.label) if name) or "all"
    return Grouping(series=(_image_series(grid, whole),))


def _named(header: InstanceHeader) -> str:
    """Return the name of a slice's file, with the frame that it is."""
    frame = "" if header.frame_number is None else f", frame {header.frame_number}"
    return f"{Path(header.file).name}{frame}"


def _one_plane(part: Part) -> bool:
    """Return whether all slices lie at one position."""
    heights = heights_mm(part.headers)
    return bool(heights.max() - heights.min() < 0.01)


def _image_series(grid: SliceGrid, label: str) -> ImageSeries:
    """Describe a valid volume."""
    first = grid.headers[0]
    when = series_date.acquired(grid.headers)
    return ImageSeries(
        volume_id=f"{first.series_uid}#{label}",
        study_uid=first.study_uid or "",
        series_uid=first.series_uid or "",
        patient_id=first.patient_id or "",
        subject_hint=_common(h.clinical_trial_subject_id for h in grid.headers),
        headers=grid.headers,
        geometry=grid.geometry,
        modality=series_check.MODALITIES[first.sop_class_uid],
        description=_common(h.series_description for h in grid.headers),
        acquired_on=when.day,
        acquisition_time=when.time,
        missing_slices=grid.missing,
        report=LoadReport(
            files_used=tuple(dict.fromkeys(h.file for h in grid.headers)),
            largest_position_residual_mm=grid.largest_residual_mm,
            flags=tuple(
                sorted(
                    {
                        *grid.flags,
                        *when.flags,
                        *series_flag.volume_flags(grid.headers, grid.geometry.slice_spacing_mm),
                    }
                )
            ),
        ),
    )


def _flag_damage(series: ImageSeries, folders: Collection[str]) -> ImageSeries:
    """Flag a volume that lies beside a damaged file."""
    beside = any(str(Path(h.file).parent) in folders for h in series.headers) if folders else False
    return _with_shared(series, series.report.left_out, {"damaged_file_beside"} if beside else ())


def _with_shared(
    series: ImageSeries, left_out: Sequence[LeftOut], flags: Iterable[str]
) -> ImageSeries:
    """Add to a volume's report what concerns its whole series."""
    report = dataclasses.replace(
        series.report,
        left_out=tuple(left_out),
        duplicates_dropped=sum(item.reason_code == "duplicate" for item in left_out),
        flags=tuple(sorted({*series.report.flags, *flags})),
    )
    return dataclasses.replace(series, report=report)


def _common(values: Iterable[str | None]) -> str | None:
    """Return the one value that all slices share that have one, else None."""
    known = {value for value in values if value is not None}
    return known.pop() if len(known) == 1 else None
