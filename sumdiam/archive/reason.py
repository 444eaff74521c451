"""Reason codes of archives, plans and studies; those of pixels and masks are `imaging.reason`."""

from __future__ import annotations

from imaging.reason import REASONS as IMAGING_REASONS
from imaging.reason import reason_table as imaging_reason_table

_LOOK = "Look at the study before relying on its measurements."
_NOTHING = "Nothing needs doing unless it was meant to be measured."
_FETCH = "Fetch the file again, or remove it from the archive if nothing is missing."
_PLAN = "Correct the row in plan.csv (write your id into the column ending in _by)."
_MASKS = "Correct the row in masks.csv and write your id into decided_by."

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Files of an archive": {
    "symlink_not_followed": ("a symbolic link; links are not followed",
                             "Hand the folder it points to in as an archive of its own."),
    "run_folder": ("the folder of a run, not of an archive", _NOTHING),
    "special_file": ("a pipe, socket or device, no file", _NOTHING),
    "unreadable_folder": ("the folder cannot be opened", "Check its permissions."),
    "path_too_long": ("a folder lies so deep that its files cannot be opened",
                      "Move it to a shorter path."),
    "file_too_large": ("the file is larger than the limit for one file", _NOTHING),
    "empty_file": ("the file has no bytes", _FETCH),
    "damaged_file": ("the file is neither DICOM nor anything else that is known", _FETCH),
    "no_uids": ("the file does not say which study, series or instance it is: a UID is missing or "
                "empty", "If it was de-identified, do that again with a profile that replaces UIDs "
                "consistently (DICOM PS3.15); else fetch it again."),
    "reading_stopped": ("the process that read the file died or did not answer",
                        "The file is damaged or hostile: fetch it again, or remove it."),
    "archive_format_not_read": ("a packed archive of a kind that is not opened",
                                "Unpack it into the archive; zip, tar and tar.gz are opened."),
    "packed_nested": ("a packed archive within one that lies in another; it is not opened",
                      "Unpack the outermost one into the archive."),
    "packed_damaged": ("a packed archive is damaged or cut short; what lies behind the damage is "
                       "missing", "Fetch it again, or unpack what can be saved into the archive."),
    "packed_too_large": ("a packed archive unpacks to far more than an archive of images does; "
                         "unpacking was stopped", "Unpack it yourself if it is genuine."),
    "packed_too_many": ("a packed archive has more members than are read",
                        "Unpack it yourself if it is genuine."),
    "spool_full": ("there is no room to unpack a packed archive to its end",
                   "Free disk space at --out, or unpack it elsewhere."),
    "member_damaged": ("a member of a packed archive is damaged", _FETCH),
    "member_encrypted": ("a member of a packed archive is encrypted",
                         "Unpack it with its password into the archive."),
    "member_method": ("a member of a packed archive is compressed by a method that is not read",
                      "Unpack it into the archive."),
    "member_name_unsafe": ("the name of a member leads out of its packed archive",
                           "Pack it again with plain names; nothing outside was touched."),
    "member_link": ("a link in a packed archive; links are not followed", _NOTHING),
    "member_superseded": ("a member that a later one of the same name replaces", _NOTHING),
    "dicomdir_not_read": ("a DICOMDIR; it is compared with the files, which are read themselves",
                          _NOTHING),
    "dicomdir_file_missing": ("a DICOMDIR names files that are not there: a study may be "
                              "incomplete", "Copy the disc again, or leave it if the files were "
                              "left out on purpose."),
    "dicomdir_contradicts": ("a DICOMDIR names other instances than its files hold",
                             "Copy the disc again; the files are what is used."),
    "report_not_read": ("a structured report from which no length can be taken",
                        "To use lengths that it states, hand them in as a decision on the "
                        "measurement of that lesion."),
    "gap_series_absent": ("gaps are allowed in a series that the archive does not hold",
                          "Correct its UID in --allow-gaps or in the configuration."),
    "caliper_lesion_unknown": ("a length of a structured report names no lesion that a mask shows",
                               "Give report and mask the same tracking UID or tracking id."),
    "modality_not_read": ("this kind of DICOM object is not read", _NOTHING),
    "no_dicom": ("the folder holds no DICOM file", "Check the path."),
    },
    "Studies": {
    "no_subject_id": ("the study has neither a clinical trial subject id nor a patient id",
                      "Write one of them into the files."),
    "patient_id_as_subject": ("PatientID serves as subject id; it may identify a person",
                              "Hand in --subject-map."),
    "mixed_subjects": ("the study holds more than one subject",
                       "Separate the files at their source."),
    "unreadable_study_file": ("a file that seems to belong to the study cannot be read, so the "
                              "study may be incomplete", _FETCH),
    "unreadable_file_nearby": ("a file that may belong to the study cannot be read", _LOOK),
    "no_volume": ("the study's images are localizers, screenshots or the like", _NOTHING),
    "image_missing": ("a mask refers to images that the archive does not hold",
                      "Fetch the series that the mask was drawn on."),
    "referenced_image_missing": ("a mask refers to slices that its series lacks",
                                 "Fetch the series again: slices are missing, perhaps at its end."),
    "mask_volume_unknown": ("which volume of the study a mask was drawn on cannot be told",
                            "Write its volume_id of plan.csv and your id into masks.csv."),
    "mask_study_unknown": ("a mask file that names no series fits no study, or several",
                           "Put it into the folder of the images it was drawn on, or resample it "
                           "onto their grid."),
    "doubled_mask": ("several masks outline the same lesion for the same reader",
                     "Keep one of them, or set mask_role of the others to ignore in masks.csv."),
    "no_mask": ("nobody outlined anything in this study", "Hand in its mask, or leave it."),
    "no_timepoint": ("the study has no timepoint", _PLAN),
    "no_date": ("the study has no date that can be read, so it has no timepoint",
                "Write acquired_on and timepoint in plan.csv and your id into timepoint_by."),
    "before_baseline": ("the study lies before the baseline", _NOTHING),
    "inadequate_before_start": ("an inadequate study between baseline and treatment", _NOTHING),
    "undecided_use": ("the phase of no volume of the study is sure enough to measure",
                      "Write phase and your id into phase_by in plan.csv; or, for criteria "
                      "that need no enhancement, measure into use and your id into use_by."),
    },
    "Volumes of a plan": {
    "new_row": ("the volume is new to a plan that a person has edited",
                "Write phase, or use, and your id beside it in plan.csv."),
    "phase_unknown": ("the phase is not sure enough",
                      "Write phase and your id into phase_by in plan.csv."),
    "phase_not_used": ("this phase is not used for measuring", _NOTHING),
    "second_arterial": ("another arterial volume of the study is measured", _NOTHING),
    "second_native": ("another native volume of the study is subtracted", _NOTHING),
    "grid_differs": ("the volume is not on the grid of the arterial one, and is not moved onto it",
                     _NOTHING),
    "native_resampled": ("the native volume is on another grid than the arterial one, and was "
                         "resampled onto it about each lesion",
                         "Check that no slice of it is missing."),
    "no_arterial": ("the study has no arterial volume that it could be compared with", _NOTHING),
    },
    "Lesions and masks of a plan": {
    "no_arterial_phase": ("the study has no arterial phase", "Measure it on another criterion."),
    "volume_excluded": ("the volume that the lesion is drawn on was excluded", _PLAN),
    "undecided_mask": ("what the segment shows, or of which lesion, is not decided",
                       f"{_MASKS} The report shows the outlines that have to be matched."),
    "ignored_mask": ("the segment is not used", _NOTHING),
    "lesions_exchanged": ("lesions lie in each other's places, as if their ids had been exchanged "
                          "between two visits", "If so, exchange their lesion_id in masks.csv; in "
                          "either case write your id into decided_by there."),
    },
    "Timepoints": {
    "baseline_too_early": ("the baseline lies too long before the start of treatment", _LOOK),
    "baseline_inadequate": ("the baseline study is not adequate (no arterial phase)", _LOOK),
    "baseline_after_start": ("there is no study on or before the start of treatment", _LOOK),
    },
    "Subjects": {
    "subject_without_images": ("the table of subjects names it, the archive holds no study of it: "
                               "it counts as not evaluable (NE) in every response rate",
                               "Correct the id in the table, add its studies, or leave it if it "
                               "was not scanned."),
    "subject_not_in_table": ("the archive holds this subject, the table of subjects does not: it "
                             "has no arm and no overall survival",
                             "Add a row, or correct the id (in the table, or by --subject-map)."),
    "similar_subject_ids": ("ids of subjects differ in case, separators or zeros only: one person "
                            "may be taken for several", "Make them one by --subject-map if so."),
    "patient_of_two_subjects": ("one PatientID belongs to studies of several subjects",
                                "Correct ClinicalTrialSubjectID in the files, or hand in "
                                "--subject-map."),
    "subject_of_two_patients": ("studies of one ClinicalTrialSubjectID have different PatientIDs: "
                                "a study may be another person's",
                                "If so, correct the ids in the files."),
    "study_days_differ": ("volumes of one study were acquired on different days", _LOOK),
    "studies_far_apart": ("studies of one subject lie more than 15 years apart: a date is wrong, "
                          "or two persons share the id", "Write acquired_on in plan.csv and your "
                          "id into timepoint_by, or correct the id."),
    "interval_contradicts_images": ("an interval of the table contradicts the dates of the images",
                                    "Correct one of them."),
    "interval_shifted": ("intervals of the table fit the images of the neighbouring row",
                         "Move the cells back."),
    "alive_before_scan": ("the subject was scanned after the day it was last known alive",
                          "Write the later day into last_known_alive_on."),
    "dates_backwards": ("dates of the subject go backwards", "Correct one of the dates."),
    "given_contradicts_inputs": ("a given class, score or stage is not what its inputs give",
                                 "Correct one of them."),
    "words_not_used": ("a covariate's words are not those from which liver function is derived",
                       "Write the words that are."),
    "near_column": ("a covariate's name looks like a known column", "Rename it if it is meant so."),
    },
    "Edits of a plan": {
    "edit_without_name": ("a cell was edited without saying by whom", "Write your id beside it."),
    "row_new": ("rows that the table did not have before: new data, or rows that were deleted",
                "Nothing needs doing for new data."),
    "row_gone": ("rows of the table name nothing that the archive holds; they were dropped",
                 "Bring the data back if they are missed; ids must stay text in a spreadsheet."),
    "edit_not_applied": ("a cell that cannot be edited here was edited", "Undo it."),
    },
}  # fmt: skip
"""Codes by what they are about: what each says, and the remedy."""

REASONS = {code: said for section in SECTIONS.values() for code, said in section.items()}

WARNINGS = frozenset({
    "subject_without_images", "subject_not_in_table", "similar_subject_ids",
    "patient_of_two_subjects", "subject_of_two_patients", "study_days_differ", "studies_far_apart",
    "interval_contradicts_images", "interval_shifted", "date_implausible", "dates_differ",
    "date_unreadable", "dicomdir_file_missing", "dicomdir_contradicts", "lesions_exchanged",
})  # fmt: skip
"""Codes of what is read all the same, but changes results if it is a slip: told before the rest."""


def sentence(code: str) -> str:
    """Return what a reason code says, with its remedy."""
    if code in REASONS:
        said, remedy = REASONS[code]
        return f"{said}. {remedy}"
    reason = IMAGING_REASONS[code]
    return f"{reason.sentence}. {reason.remedy}"


def reason_document() -> str:
    """Return every reason code as Markdown: the text of docs/reason-codes.md."""
    parts = [
        "# Reason codes",
        "",
        "Every code that a table, a report or a message may name. Written by "
        "`sumdiam.archive.reason.reason_document`; edit in `imaging/reason.py` and "
        "`sumdiam/archive/reason.py`.",
        "",
        "## " + imaging_reason_table().partition("## ")[2],
    ]
    for title, section in SECTIONS.items():
        parts += [f"## {title}", "", "| code | what it says | what to do |", "|---|---|---|"]
        parts += [f"| `{code}` | {said} | {remedy} |" for code, (said, remedy) in section.items()]
        parts.append("")
    return "\n".join(parts)
