import datetime as dt

import pandas as pd
import pytest

from measurement.lesion_table import Findings, Measurements
from measurement.pivot import leading_quantity, pivot_lesions, rounded
from measurement.table import TableError, from_records


def measured(quantity="viable_diameter", value=20.0, **cells):
    unit = "ml" if "volume" in quantity else "mm"
    unit = "hu" if quantity.startswith(("mean", "late")) else unit
    row = {
        "measurement_id": f"id-{cells.get('lesion_id', 'L1')}-{quantity}",
        "revision": 1,
        "subject_id": "S1",
        "reader": "auto",
        "decided_by": "auto",
        "read_role": "automatic",
        "lesion_id": "L1",
        "timepoint": 0,
        "quantity": quantity,
        "value": value,
        "unit": unit,
        "standard_uncertainty": 0.8,
        "accepted": True,
        "method": "m",
        "software_version": "0",
    }
    return row | cells


def known(**cells):
    row = {
        "subject_id": "S1", "reader": "auto", "lesion_id": "L1", "timepoint": 0, "organ": "liver",
        "site": "hepatic", "node": "none", "treated_before": False, "slice_thickness_mm": 2.5,
    }  # fmt: skip
    return row | cells


def pivot(rows, facts=None, findings=None, timepoints=None):
    facts = [known()] if facts is None else facts
    found = None if findings is None else from_records(findings, Findings)
    table = pivot_lesions(from_records(rows, Measurements), pd.DataFrame(facts), found, timepoints)
    return table.set_index(["lesion_id", "timepoint"])


ROUNDING = [
    # value   step    expected  why
    (24.25, "0.1", 24.3),  # half goes up; Python's round gives 24.2
    (0.05, "0.1", 0.1),
    (0.04999, "0.1", 0.0),
    (2.675, "0.01", 2.68),  # 2.675 is 2.67499999... in binary: its written digits count
    (-12.25, "0.1", -12.3),  # away from zero
    (30.0, "0.1", 30.0),
]


@pytest.mark.parametrize(("value", "step", "expected"), ROUNDING)
def test_values_are_rounded_half_up_from_their_written_digits(value, step, expected):
    assert rounded(value, step) == expected


def test_lengths_go_to_tenths_volumes_to_hundredths_attenuation_to_tenths():
    row = pivot(
        [
            measured(value=24.25),
            measured("whole_diameter", 30.05),
            measured("viable_volume", 2.675),
            measured("mean_enhancement", 31.449),
        ]
    ).loc[("L1", 0)]
    assert row["viable_diameter_mm"] == 24.3
    assert row["whole_diameter_mm"] == 30.1
    assert row["viable_volume_ml"] == 2.68
    assert row["mean_enhancement_hu"] == 31.4
    assert row["u_viable_diameter"] == 0.8
    assert row["viable_diameter_id"] == "id-L1-viable_diameter"


STATUS = [
    # value  accepted  reason       status           status_reason           why
    (12.0, True, None, "measured", None),
    (0.0, True, None, "absent", None),
    (None, True, "no arterial phase", "not_evaluable", "no arterial phase"),
    (None, True, None, "not_evaluable", "no value was measured"),
    (12.0, False, "wrong lesion", "not_evaluable", "rejected by reviewer"),
]


@pytest.mark.parametrize(("value", "accepted", "reason", "status", "why"), STATUS)
def test_the_leading_quantity_gives_the_status(value, accepted, reason, status, why):
    row = pivot([measured(value=value, accepted=accepted, reason=reason)]).loc[("L1", 0)]
    assert row["status"] == status
    assert (None if pd.isna(row["status_reason"]) else row["status_reason"]) == why


LEADING = [
    ("hepatic", "none", "viable_diameter"),
    ("extrahepatic", "none", "whole_diameter"),
    ("extrahepatic", "node", "node_short_axis"),
    ("hepatic", "porta_hepatis", "node_short_axis"),
]


@pytest.mark.parametrize(("site", "node", "expected"), LEADING)
def test_livers_count_viable_tissue_nodes_their_short_axis_others_the_whole(site, node, expected):
    assert leading_quantity(site, node) == expected


def test_the_last_revision_counts_whatever_the_order_of_rows():
    rows = [
        measured(value=30.0, revision=2, supersedes=1, decided_by="R1"),
        measured(value=20.0),
    ]
    assert pivot(rows).loc[("L1", 0), "viable_diameter_mm"] == 30.0
    assert pivot(rows[::-1]).loc[("L1", 0), "viable_diameter_mm"] == 30.0


def test_a_rejected_last_revision_leaves_no_value():
    rows = [measured(flags="oil(0.3)"), measured(revision=2, supersedes=1, accepted=False)]
    row = pivot(rows).loc[("L1", 0)]
    assert pd.isna(row["viable_diameter_mm"])
    assert pd.isna(row["u_viable_diameter"])
    assert row["status_reason"] == "rejected by reviewer"
    assert pd.isna(row["flags"])


ENHANCEMENT = [("hepatic", 12.0, True), ("hepatic", 0.0, False), ("extrahepatic", 12.0, None)]


@pytest.mark.parametrize(("site", "value", "expected"), ENHANCEMENT)
def test_a_hepatic_lesion_enhances_when_its_viable_diameter_is_above_zero(site, value, expected):
    row = pivot([measured(value=value)], [known(site=site)]).loc[("L1", 0)]
    found = row["arterial_enhancement"]
    assert (None if pd.isna(found) else bool(found)) is expected


WASHOUT = [(-10.0, True), (-9.9, None), (-0.1, None), (0.0, False), (15.0, False)]


@pytest.mark.parametrize(("late_contrast", "expected"), WASHOUT)
def test_washout_needs_ten_hu_below_liver_and_none_is_at_least_liver(late_contrast, expected):
    row = pivot([measured(), measured("late_contrast", late_contrast)]).loc[("L1", 0)]
    assert (None if pd.isna(row["washout"]) else bool(row["washout"])) is expected


@pytest.mark.parametrize(("percent", "expected"), [(-10.0, True), (-5.0, None), (0.0, False)])
def test_washout_of_mr_is_told_in_percent_of_the_liver(percent, expected):
    late = measured("late_contrast", percent, unit="percent")
    row = pivot([measured(), late]).loc[("L1", 0)]
    assert row["late_contrast_percent"] == percent
    assert (None if pd.isna(row["washout"]) else bool(row["washout"])) is expected


BORDER = [(100.0, True), (75.0, True), (74.9, None), (40.0, None), (39.9, False), (0.0, False)]


@pytest.mark.parametrize(("percent", "expected"), BORDER)
def test_a_lesion_is_well_delineated_by_the_part_of_its_border_that_is_clear(percent, expected):
    border = measured("clear_border", percent, unit="percent")
    found = pivot([measured(), border]).loc[("L1", 0), "well_delineated"]
    assert (None if pd.isna(found) else bool(found)) is expected


def test_signal_without_a_unit_does_not_reach_the_columns_of_hu():
    row = pivot([measured(), measured("mean_enhancement", 300.0, unit="signal")]).loc[("L1", 0)]
    assert pd.isna(row["mean_enhancement_hu"])
    assert row["mean_enhancement_id"] == "id-L1-mean_enhancement"


def test_findings_overrule_status_pattern_washout_and_cytology():
    finding = {
        "subject_id": "S1", "reader": "auto", "timepoint": 0, "lesion_id": "L1",
        "status": "equivocal", "pattern": "atypical", "washout": True, "cytology": "negative",
        "entered_by": "R2", "comment": "near the dome",
    }  # fmt: skip
    row = pivot([measured()], findings=[finding]).loc[("L1", 0)]
    assert row["status"] == "equivocal"
    assert row["status_reason"] == "finding of R2"
    assert row["pattern"] == "atypical"
    assert bool(row["washout"])
    assert row["cytology"] == "negative"
    assert row["viable_diameter_mm"] == 20.0


def test_a_finding_without_a_reader_holds_in_every_reading_and_a_readers_own_goes_before_it():
    facts = [known(), known(reader="R1")]
    rows = [measured(), measured(reader="R1", measurement_id="other")]
    finding = {"subject_id": "S1", "timepoint": 0, "lesion_id": "L1", "status": "progressed"}
    own = finding | {"reader": "R1", "status": "present"}
    table = pivot(rows, facts, [own, finding])
    assert dict(zip(table["reader"], table["status"], strict=True)) == {
        "auto": "progressed", "R1": "present",
    }  # fmt: skip


def test_a_finding_adds_a_lesion_that_has_no_mask():
    finding = {
        "subject_id": "S1", "timepoint": 1, "lesion_id": "ascites", "site": "extrahepatic",
        "organ": "peritoneum", "finding": "effusion", "status": "present", "cytology": "positive",
    }  # fmt: skip
    row = pivot([measured()], findings=[finding]).loc[("ascites", 1)]
    assert row["reader"] == "auto"
    assert row["node"] == "none"
    assert row["finding"] == "effusion"
    assert row["status_reason"] == "finding"


def test_a_finding_at_a_timepoint_without_a_mask_keeps_the_lesions_own_site():
    finding = {"subject_id": "S1", "timepoint": 2, "lesion_id": "L1", "status": "absent"}
    row = pivot([measured()], findings=[finding]).loc[("L1", 2)]
    assert row["site"] == "hepatic"
    assert row["status"] == "absent"


def test_a_finding_of_a_subject_without_masks_belongs_to_the_automatic_reading():
    finding = {
        "subject_id": "S9", "timepoint": 0, "lesion_id": "F", "site": "hepatic", "status": "present",
    }  # fmt: skip
    assert pivot([measured()], findings=[finding]).loc[("F", 0), "reader"] == "auto"


def test_a_finding_without_a_site_is_refused():
    finding = {"subject_id": "S1", "timepoint": 0, "lesion_id": "X", "status": "present"}
    with pytest.raises(TableError, match=r"X of subject S1 at timepoint 0.*Fill it in"):
        pivot([measured()], findings=[finding])


def test_a_measured_lesion_without_a_mask_row_is_refused():
    with pytest.raises(TableError, match=r"L2 of subject S1.*Add its row to masks.csv"):
        pivot([measured(lesion_id="L2")])


def test_two_rows_of_one_lesion_are_refused():
    with pytest.raises(TableError, match="two rows at timepoint 0 for reader auto"):
        pivot([measured()], [known(), known()])


def test_a_lesion_with_a_mask_and_no_measurement_has_no_status():
    row = pivot([], [known()]).loc[("L1", 0)]
    assert pd.isna(row["status"])
    assert row["slice_thickness_mm"] == 2.5


def test_the_scan_day_is_that_of_the_first_scan_of_the_timepoint():
    timepoints = pd.DataFrame(
        {
            "subject_id": ["S1", "S1"],
            "timepoint": [0, 1],
            "first_scan_on": [pd.Timestamp("2020-03-01"), pd.NaT],
        }
    )
    table = pivot([measured()], [known(), known(timepoint=1)], timepoints=timepoints)
    assert table.loc[("L1", 0), "scan_on"].date() == dt.date(2020, 3, 1)
    assert pd.isna(table.loc[("L1", 1), "scan_on"])
    assert pd.isna(
        pivot([measured()], timepoints=timepoints[["timepoint"]]).loc[("L1", 0), "scan_on"]
    )


def test_the_order_of_measurements_and_masks_changes_nothing():
    facts = [known(lesion_id=name, timepoint=t) for name in ("B", "A") for t in (1, 0)]
    rows = [measured(lesion_id=f["lesion_id"], timepoint=f["timepoint"],
                     measurement_id=f"{f['lesion_id']}{f['timepoint']}") for f in facts]  # fmt: skip
    one, two = pivot(rows, facts), pivot(rows[::-1], facts[::-1])
    pd.testing.assert_frame_equal(one, two)
    assert list(one.index) == [("A", 0), ("A", 1), ("B", 0), ("B", 1)]
