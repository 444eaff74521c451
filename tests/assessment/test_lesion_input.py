"""The door for lesion tables as text."""

import pandas as pd
import pytest

from assessment import assess, read_lesions
from measurement.table import TableError


def text(*rows):
    columns, *cells = [row.split(",") for row in rows]
    return pd.DataFrame(cells, columns=columns)


HEAD = "subject_id,lesion_id,timepoint,site,viable_diameter_mm"


@pytest.mark.parametrize(
    ("written", "rounded"),
    [
        ("46.25", 46.3),
        ("46.249", 46.2),
        ("0.05", 0.1),
        ("46.2", 46.2),
        ("1e1", 10.0),
        ("2.675", 2.7),
    ],
)
def test_lengths_are_rounded_half_up_from_the_written_digits(written, rounded):
    found = read_lesions(text(HEAD, f"S1,L1,0,hepatic,{written}"), "file.csv")
    assert found["viable_diameter_mm"].tolist() == [rounded]


def test_truths_may_be_written_as_a_spreadsheet_writes_them():
    table = text(HEAD + ",washout", "S,L,0,hepatic,9,TRUE", "S,L,1,hepatic,9,False")
    assert read_lesions(table, "f")["washout"].tolist() == [True, False]


def test_the_step_of_rounding_can_be_another():
    table = text(HEAD, "S1,L1,0,hepatic,46.25")
    assert read_lesions(table, "f", length_step_mm="0.5")["viable_diameter_mm"].tolist() == [46.5]


def test_volumes_and_attenuations_are_rounded_in_their_own_units():
    table = text(
        "subject_id,lesion_id,timepoint,site,whole_volume_ml,mean_attenuation_hu,slice_thickness_mm",
        "S1,L1,0,hepatic,1.005,-3.25,1.25",
    )
    found = read_lesions(table, "f").iloc[0]
    assert (found["whole_volume_ml"], found["mean_attenuation_hu"]) == (1.01, -3.3)
    assert found["slice_thickness_mm"] == 1.25


def test_defaults_are_filled_in():
    found = read_lesions(text(HEAD, "S1,L1,0,hepatic,20", "S1,L2,0,extrahepatic,20"), "f")
    assert found["reader"].tolist() == ["1", "1"]
    assert found["organ"].tolist() == ["liver", "unspecified"]
    assert found["node"].tolist() == ["none", "none"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (text("subject_id,lesion_id,timepoint,viable_diameter_mm", "S,L,0,9"), "column missing: site"),
        (text("subject_id,lesion_id,timepoint,site", "S,L,0,hepatic"), "no length and no status"),
        (text(HEAD, "S,L,0,liver,9"), "site"),
        (text(HEAD, "S,L,0,hepatic,nine"), "not a number"),
        (text(HEAD, "S,L,0,hepatic,NaN"), "not a number"),
        (text(HEAD + ",viable_diametre_mm", "S,L,0,hepatic,9,9"), "nearest known: 'viable_diameter_mm'"),
        (text(HEAD, "S,L,0,hepatic,9", "S,L,0,hepatic,9"), "subject_id=S"),
        (text(HEAD, "S,L,0,hepatic,-9"), "row 2, column viable_diameter_mm: '-9' is not from 0"),
        (text(HEAD, "S,L,0,hepatic,-0.04"), "'-0.04' is not from 0"),
        (text(HEAD, "S,L,0,hepatic,9", "S,L,1,hepatic,inf"), "row 3, column viable_diameter_mm: 'inf'"),
        (text(HEAD, "S,L,0,hepatic,1e9"), "'1e9' is not from 0 to 2000"),
        (text(HEAD, "S,L,0,hepatic,1e400"), "'1e400' is not from 0"),
        (text(HEAD, "S,L,0,hepatic,1e-400"), "'1e-400' is not from 0"),
        (text(HEAD.replace("_mm", ""), "S,L,0,hepatic,9"), "nearest known: 'viable_diameter_mm'"),
        (text(HEAD, "S,L,0,hepatic,2_8"), "'2_8' is not from 0"),
        (text(HEAD, "S,L,0,hepatic,\uff12\uff18"), "is not from 0"),
        (text(HEAD, "S,L,0,hepatic,35 mm"), "'35 mm' is not a number"),
        (text(HEAD, "S,L,9223372036854775808,hepatic,9"), "is not a whole number"),
        (text(HEAD, "S,L,0,hepatic,9", "S,L,1,hepatic,9", "S,L,1,hepatic,9"), "(rows 3, 4): keep one"),
        (text(HEAD, "S,L,0,Hepatic,9"), "'Hepatic' is none of hepatic, extrahepatic (nearest: hepatic)"),
        (text(HEAD, ",L,0,hepatic,9"), "subject_id: is empty, and must not be at row 2"),
        (text(HEAD.replace("_mm", "_cm"), "S,L,0,hepatic,9"), "nearest known: 'viable_diameter_mm'"),
        (text(HEAD.replace("viable_d", " Viable d"), "S,L,0,hepatic,9"), "nearest known: 'viable_diameter_mm'"),
        (text(HEAD.replace("subject_id", "patient"), "S,L,0,hepatic,9"), "column missing: subject_id"),
        (text(HEAD + ",scan_on", "S,L,0,hepatic,9,9999-12-31"), "row 2, column scan_on: '9999-12-31'"),
        (text(HEAD + ",scan_on", "S,L,0,hepatic,9,0001-01-01"), "row 2, column scan_on: '0001-01-01'"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_says_where_and_how_to_mend_it(table, message):
    with pytest.raises(TableError, match=r"f\.csv") as caught:
        read_lesions(table, "f.csv")
    assert message in str(caught.value)


WRITTEN = [
    "subject_id,lesion_id,timepoint,site,viable_diameter_mm,status,washout,scan_on",
    "7,L1,0,hepatic,46.25,,true,2020-01-01",
    "7,L1,1,hepatic,2.675,,false,2020-03-01",
    "7,L2,1,hepatic,,not_evaluable,,2020-03-01",
]
TYPED = {
    "subject_id": [7, 7, 7],
    "lesion_id": ["L1", "L1", "L2"],
    "timepoint": [0, 1, 1],
    "site": ["hepatic"] * 3,
    "viable_diameter_mm": [46.25, 2.675, float("nan")],
    "status": [None, None, "not_evaluable"],
    "washout": [True, False, None],
    "scan_on": pd.to_datetime(["2020-01-01", "2020-03-01", "2020-03-01"]),
}
KINDS = [
    {},  # as pandas makes them: int64, float64, objects, datetime64
    {"subject_id": "Int64", "timepoint": "Int8", "washout": "boolean", "status": "string"},
    dict.fromkeys(["subject_id", "lesion_id", "timepoint", "site", "status"], "category"),
    {"viable_diameter_mm": "category", "washout": "category", "scan_on": "category"},
    {"subject_id": "float64", "timepoint": "float64", "viable_diameter_mm": "Float64"},
    dict.fromkeys(TYPED, "object"),
]


@pytest.mark.parametrize("kinds", KINDS)
def test_a_typed_table_is_read_as_the_same_table_in_text(kinds):
    typed = pd.DataFrame(TYPED).astype(kinds)
    expected = read_lesions(text(*WRITTEN), "f")
    pd.testing.assert_frame_equal(read_lesions(typed, "f"), expected)


def test_a_length_of_single_precision_is_rounded_from_its_own_digits():
    lengths = pd.Series([46.25, 0.35], dtype="float32")  # 0.35 is 0.3499... as a double
    typed = pd.DataFrame(TYPED).head(2).assign(viable_diameter_mm=lengths)
    assert read_lesions(typed, "f")["viable_diameter_mm"].tolist() == [46.3, 0.4]


@pytest.mark.parametrize(
    ("column", "cells", "message"),
    [
        ("timepoint", [0.0, 0.5, 1.0], "row 3, column timepoint: '0.5' is not a whole number"),
        ("viable_diameter_mm", [9.0, float("inf"), 9.0], "column viable_diameter_mm: 'inf' is not"),
        ("viable_diameter_mm", [9.0, -3.0, 9.0], "column viable_diameter_mm: '-3' is not from 0"),
        ("site", [1, 2, 3], "site: '1' is none of hepatic, extrahepatic"),
        ("lesion_id", [[1], [2], [3]], r"row 2, column lesion_id: a list is no cell"),
    ],
)
def test_a_typed_cell_that_cannot_be_used_is_named_as_a_written_one(column, cells, message):
    with pytest.raises(TableError) as caught:
        read_lesions(pd.DataFrame(TYPED | {column: cells}), "f")
    assert message in str(caught.value)


def test_two_columns_of_one_name_are_refused():
    table = text(HEAD + ",site", "S1,L1,0,hepatic,20,hepatic")
    with pytest.raises(TableError, match=r"f: 2 columns are named site.*keep one"):
        read_lesions(table, "f")


def test_an_assessment_without_the_columns_that_have_defaults_names_the_way():
    with pytest.raises(TableError, match=r"lesions: column missing: reader, node\..*read_lesions"):
        assess(pd.DataFrame(TYPED).assign(subject_id="7"))


def test_a_typed_table_with_an_unknown_column_is_refused():
    table = read_lesions(text(HEAD, "S1,L1,0,hepatic,20"), "f").assign(colour="red")
    with pytest.raises(TableError, match="unknown column colour"):
        assess(table)


def test_columns_that_are_absent_are_empty_ones():
    table = read_lesions(text(HEAD, "S1,L1,0,hepatic,20", "S1,L1,1,hepatic,10"), "f")
    slim = table[
        ["subject_id", "reader", "lesion_id", "timepoint", "site", "node", "viable_diameter_mm"]
    ]
    assert assess(slim).responses["overall_response"].tolist()[1] == "PR"
