"""Why data were refused or left out: one list of codes, each with a sentence and a remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["file", "series", "mask", "left_out", "flag"]


@dataclass(frozen=True, slots=True)
class Reason:
    """A code, what it says, and what to do about it."""

    code: str
    kind: Kind
    sentence: str
    remedy: str


class ReasonedError(ValueError):
    """Data that cannot be used: a reason code, where, and what exactly was found.

    Parameters
    ----------
    reason_code : str
        A code of `REASONS`.
    where : str
        File name or UID; never a patient's name.
    detail : str
        What was found, with numbers.
    """

    def __init__(self, reason_code: str, where: str, detail: str) -> None:
        self.reason_code = reason_code
        self.where = where
        self.detail = detail
        reason = REASONS[reason_code]
        super().__init__(f"{where}: {reason.sentence} ({detail}). {reason.remedy} [{reason_code}]")


_FETCH = "Fetch the series again (a transfer may have been cut short), or exclude it in the plan."
_EXCLUDE = "Correct the files at their source, or exclude the series in the plan."
_EXPORT = "Export it again as uncompressed or losslessly compressed single-frame DICOM."
_MASK = "Draw or export the mask again on the image it belongs to, or ignore it in masks.csv."
_NOTHING = "Nothing needs doing unless it was meant to be measured."
_LOOK = "Look at the volume before relying on its measurements."

_LIST: tuple[tuple[str, Kind, str, str], ...] = (
    # files
    ("not_dicom", "file", "the file is not DICOM", _NOTHING),
    ("unreadable_file", "file", "the file cannot be opened or read",
     "Check its permissions and the disk."),
    ("unreadable_dicom", "file", "the DICOM header is damaged or cut short", _FETCH),
    ("inflates_too_far", "file", "a deflated file unpacks to far more than it should", _EXCLUDE),
    # series
    ("no_uid", "series", "a study, series or instance UID is missing", _EXCLUDE),
    ("mixed_patients", "series", "one series UID holds more than one patient", _EXCLUDE),
    ("mixed_studies", "series", "one series UID holds more than one study", _EXCLUDE),
    ("same_uid_other_content", "series", "two files share a SOP Instance UID but differ in content",
     _EXCLUDE),
    ("frames_not_described", "series",
     "a multi-frame image does not describe each of its frames, so their places are unknown",
     "Convert to single-frame instances at the source, or exclude the series in the plan."),
    ("concatenation_incomplete", "series",
     "a multi-frame image was sent in several files, and some are missing", _FETCH),
    ("lookup_table", "series",
     "values are mapped by a lookup table instead of a slope and an intercept", _EXPORT),
    ("no_pixel_data", "series", "an instance has no pixel data", _FETCH),
    ("truncated_pixel_data", "series", "a file is shorter than its pixel data", _FETCH),
    ("no_pixel_spacing", "series",
     "pixel spacing is missing or invalid, so there are no millimetres",
     "Correct PixelSpacing (0028,0030) at the source; ImagerPixelSpacing is no substitute."),
    ("no_position", "series", "a slice position is missing or invalid", _EXCLUDE),
    ("bad_orientation", "series", "a slice orientation is missing or invalid", _EXCLUDE),
    ("no_matrix", "series", "rows or columns are missing or zero", _EXCLUDE),
    ("no_rescale", "series",
     "a CT or PET slice lacks RescaleSlope or RescaleIntercept, so it has no unit", _EXCLUDE),
    ("bad_rescale", "series", "a rescale slope or intercept is zero or not a number", _EXCLUDE),
    ("not_hounsfield", "series", "the CT values are not in Hounsfield units",
     "Exclude the series in the plan."),
    ("unsupported_pixel_format", "series",
     "the pixel format is not a greyscale image of 8 or 16 bits", _EXPORT),
    ("bits_beyond_stored", "series",
     "pixel values use bits beyond BitsStored that no overlay explains", _EXPORT),
    ("transfer_syntax_refused", "series",
     "the transfer syntax is retired, lossy at 8 bits or unknown", _EXPORT),
    ("pixel_data_undecodable", "series", "the pixel data cannot be decoded", _FETCH),
    ("decoder_crashed", "series", "decoding the pixel data of a file ends the process that does it",
     _FETCH),
    ("decoder_time", "series", "decoding the pixel data of a file takes longer than allowed",
     _FETCH),
    ("decoder_memory", "series", "decoding the pixel data of a file takes more memory than allowed",
     _FETCH),
    ("too_large", "series", "the volume has more than a thousand million voxels", _EXCLUDE),
    ("file_changed", "series", "a file is not what it was when its header was read",
     "Run again on a still archive."),
    ("single_slice", "series", "one slice alone has no slice spacing", _EXCLUDE),
    ("missing_slice", "series", "a slice is missing", _FETCH),
    ("uneven_spacing", "series", "slices are not evenly spaced", _EXCLUDE),
    ("not_on_a_line", "series", "slice positions do not lie on a straight line", _EXCLUDE),
    ("sheared_slices", "series", "slices are shifted so far that they form no volume", _EXCLUDE),
    ("ambiguous_positions", "series",
     "slice positions repeat and no single attribute tells the volumes apart",
     "Split the series at its source, or exclude it in the plan."),
    # masks
    ("mask_unreadable", "mask", "the mask file is damaged or not a segmentation", _MASK),
    ("mask_crashed", "mask", "reading the mask file ends the process that does it", _MASK),
    ("mask_time", "mask", "reading the mask file takes longer than allowed", _MASK),
    ("mask_memory", "mask", "reading the mask file takes more memory than allowed", _MASK),
    ("mask_not_supported", "mask", "this kind of mask is not read", _MASK),
    ("mask_no_position", "mask", "a mask frame does not say where it lies", _MASK),
    ("mask_frame_of_reference", "mask", "mask and image have different frames of reference", _MASK),
    ("mask_grid_mismatch", "mask", "the mask is not drawn on the grid of the image",
     "Resample it on request, or draw it on this image."),
    ("mask_outside_image", "mask", "the mask reaches outside the image",
     "Check that no first or last slice of the image is missing: fetch the series again."),
    ("mask_repeated_frame", "mask", "a segment has two frames on one plane", _MASK),
    ("mask_no_such_segment", "mask", "the file has no segment of this number",
     "Correct masks.csv."),
    ("contour_not_closed", "mask", "a contour of the region is open or a point: it holds no area",
     "Ignore the region in masks.csv, or draw it as closed contours."),
    ("contour_tilted", "mask", "a contour does not lie in the plane of the slices",
     "Draw it on the slices of this image, or ignore the region in masks.csv."),
    ("contours_cross", "mask",
     "two contours of one plane overlap in part, and whether the overlap belongs is not said",
     "Join them, or draw the hole inside, at the source."),
    ("mask_without_pixel", "mask",
     "contours are drawn, but no pixel centre lies inside: too small for this image", _MASK),
    ("mask_data_elsewhere", "mask",
     "the values of the mask lie in a file that is not beside it under a plain name",
     "Write header and values into one file, or put both into one folder."),
    ("sr_unreadable", "mask",
     "the structured report is damaged, or of a kind that holds no measurements", _MASK),
    ("caliper_disagrees", "mask",
     "the stated length of a caliper and its coordinates differ by more than rounding",
     "Measure it again; nothing says which of the two is right."),
    ("caliper_image_missing", "mask",
     "a caliper is drawn in pixels of an image that the archive does not hold",
     "Fetch the image."),
    ("caliper_without_line", "mask", "a length of a report comes without its two points",
     "Export the report with the coordinates of its calipers."),
    # left out
    ("mask_not_labels", "left_out",
     "an image file outside DICOM whose values are an image's, not a mask's", _NOTHING),
    ("duplicate", "left_out", "an identical copy of an instance or slice", _NOTHING),
    ("localizer", "left_out", "a localizer", _NOTHING),
    ("projection", "left_out", "a maximum, minimum or mean intensity projection", _NOTHING),
    ("reformatted", "left_out", "a reformat in another plane", _NOTHING),
    ("derived", "left_out", "an image computed from others", _NOTHING),
    ("secondary_capture", "left_out", "a secondary capture", _NOTHING),
    ("bolus_tracking", "left_out", "one plane repeated, as in bolus tracking", _NOTHING),
    ("other_object", "left_out", "an object that is no CT, MR or PET slice", _NOTHING),
    # flags of a volume
    ("gantry_tilt", "flag", "the slices are sheared, as with a tilted gantry; kept exactly", _LOOK),
    ("no_frame_of_reference", "flag", "the files name no frame of reference", _LOOK),
    ("lossy_compressed", "flag", "the images were compressed with loss", _LOOK),
    ("derived_image", "flag", "the images are marked as derived from others", _LOOK),
    ("two_slices", "flag", "two slices cannot show whether one is missing between them", _LOOK),
    ("several_acquisitions", "flag", "the volume was acquired in several acquisitions", _LOOK),
    ("orientation_jitter", "flag", "slice orientations differ slightly; their mean is used", _LOOK),
    ("spacing_contradicts_header", "flag",
     "SpacingBetweenSlices differs from the distance of the positions", _LOOK),
    ("gaps_between_slices", "flag",
     "slices lie more than 1.5 times their thickness apart: half may be missing", _LOOK),
    ("instance_number_gap", "flag",
     "instance numbers have gaps or do not start at 1: the series may be cut", _LOOK),
    ("instance_uid_differs", "flag",
     "the file meta information of some slices, not of all, names another instance: their header "
     "may be damaged", _LOOK),
    ("slices_out_of_order", "flag",
     "a few slices lie out of the order of their instance or frame numbers: their positions may be "
     "exchanged", _LOOK),
    ("surplus_pixel_data", "flag",
     "files hold at least a row or column more of pixels than rows and columns say", _LOOK),
    ("fewer_images_than_stated", "flag", "there are fewer images than ImagesInAcquisition states",
     _LOOK),
    ("no_date", "flag", "no acquisition, series or study date can be read",
     "Give the date in timepoints.csv."),
    ("date_unreadable", "flag", "a date is written in a way that cannot be read", _LOOK),
    ("dates_differ", "flag", "acquisition, series and study dates lie more than a day apart",
     _LOOK),
    ("date_implausible", "flag",
     "a date lies before 1980 or after 2099; where other dates do not, it is not used", _LOOK),
    ("undeclared_padding", "flag", "CT values below -1500 HU were taken as padding", _LOOK),
    ("padding_in_tissue_range", "flag",
     "the declared padding value lies above -500 HU, among tissue, and was not used", _LOOK),
    ("scale_factors_differ", "flag",
     "volumes of one series, or slices of one volume, have different MR scale factors", _LOOK),
    ("eight_bits", "flag", "values are stored in 8 bits or fewer: contrast is coarse", _LOOK),
    ("hounsfield_unstated", "flag",
     "RescaleType is US (unspecified), so the CT values are Hounsfield units by assumption", _LOOK),
    ("no_units", "flag", "a PET image does not say what its values are counted in", _LOOK),
    ("rescale_differs_between_slices", "flag",
     "slices have different rescale values; each used its own", _LOOK),
    ("series_partly_refused", "flag", "other instances of the same series were refused", _LOOK),
    ("damaged_file_beside", "flag", "a damaged file lies in the same folder and may be a slice",
     "Fetch the series again."),
    ("gap_allowed", "flag", "slices are missing and were allowed to; padding takes their place",
     _LOOK),
    ("contours_skip_slices", "flag",
     "the region was not outlined on slices between two that show it: lengths on outlined slices "
     "stand, its volume does not", "Outline the slices between, or resample the mask on request."),
    ("sform_qform_differ", "flag",
     "the sform and the qform of the NIfTI mask disagree; the sform, which fits the image, was "
     "used", _LOOK),
    ("fractional_mask", "flag",
     "the mask holds fractions; voxels of more than one half were taken", _LOOK),
    ("mask_resampled", "flag",
     "the mask was drawn on another grid and moved onto the image, as was asked for", _LOOK),
    ("contour_repeated", "flag", "a contour was drawn twice; it was used once", _LOOK),
    ("contour_without_area", "flag", "contours of one or two points were left out", _LOOK),
    ("contours_touch", "flag", "a hole reaches over the rim by a few pixels", _LOOK),
    ("no_preamble", "flag", "files lack the DICOM preamble", _NOTHING),
)  # fmt: skip

REASONS: dict[str, Reason] = {row[0]: Reason(*row) for row in _LIST}


def reason_table() -> str:
    """Return the list of reason codes as Markdown: the text of docs/reason-codes.md."""
    titles: dict[Kind, str] = {
        "file": "Files that are refused",
        "series": "Series that are refused",
        "mask": "Masks that are refused",
        "left_out": "Instances that are left out",
        "flag": "Flags: read, but doubtful",
    }
    lines = ["# Reason codes", "", "Written by `imaging.reason.reason_table`; edit there.", ""]
    for kind, title in titles.items():
        lines += [f"## {title}", "", "| code | what it says | what to do |", "|---|---|---|"]
        lines += [
            f"| `{reason.code}` | {reason.sentence} | {reason.remedy} |"
            for reason in REASONS.values()
            if reason.kind == kind
        ]
        lines.append("")
    return "\n".join(lines)
