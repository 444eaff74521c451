"""Liver function and stage of a table of subjects."""

import pandas as pd
import pytest

from assessment.liver_table import (
    DERIVED,
    contradictions,
    unused_words,
    with_liver_function,
)
from measurement.table import TableError

FULL = {
    "bilirubin_umol_l": "20", "albumin_g_l": "38", "inr": "1.2", "ascites": "none",
    "encephalopathy": "none", "largest_tumour_cm": "4.5", "n_tumours": "2",
    "portal_invasion": "false", "extrahepatic_spread": "no", "ecog": "0",
}  # fmt: skip


def table(*rows):
    frame = pd.DataFrame(rows).astype("string")
    frame.insert(0, "subject_id", [f"S{number}" for number in range(len(frame))])
    return frame


def one(**cells):
    return table({**FULL, **cells})


def test_everything_is_derived_from_its_inputs():
    made = with_liver_function(one(), "subjects.csv")
    # 0.66 x log10(20) - 0.085 x 38 = 0.8587 - 3.23
    assert made.loc[0, list(DERIVED)].tolist() == ["5", "A", "-2.37", "2", "true", "B"]
    assert made.columns[-len(DERIVED) :].tolist() == list(DERIVED)


def test_a_table_without_inputs_comes_back_as_it_was():
    given = table({"age": "70", "child_pugh": "A", "ecog": "1"}, {"age": "NA", "child_pugh": "B"})
    pd.testing.assert_frame_equal(with_liver_function(given, "subjects.csv"), given)
    assert contradictions(given, "subjects.csv") == ()


def test_units_may_differ_between_subjects_but_not_within_one():
    rows = [
        {**FULL, "bilirubin_mg_dl": ""},
        {**FULL, "bilirubin_umol_l": "", "bilirubin_mg_dl": f"{20 / 17.1:.6f}"},
    ]
    made = with_liver_function(table(*rows), "subjects.csv")
    assert made["albi_score"].tolist() == ["-2.37", "-2.37"]
    rows[1]["bilirubin_umol_l"] = "20"
    with pytest.raises(TableError, match="row 3, column bilirubin_umol_l: bilirubin_mg_dl is fill"):
        with_liver_function(table(*rows), "subjects.csv")


@pytest.mark.parametrize("word", ["", "NA", "unknown", " not done "])
def test_what_is_missing_is_missing_and_so_is_what_needs_it(word):
    made = with_liver_function(one(albumin_g_l=word), "subjects.csv")
    assert [name for name in DERIVED if name in made] == ["up_to_seven"]


def test_given_cells_stay_and_gaps_are_filled():
    rows = [{**FULL, "child_pugh": "B7"}, {**FULL, "child_pugh": "NA"}, {**FULL, "child_pugh": ""}]
    made = with_liver_function(table(*rows), "subjects.csv")
    assert made["child_pugh"].tolist() == ["B7", "A", "A"]
    found = contradictions(made, "subjects.csv")
    assert [subject for subject, _ in found] == ["S0"]
    assert "child_pugh in subjects.csv is 'B7', but its other columns give 'A'" in found[0][1]


def test_what_was_filled_in_contradicts_nothing_however_it_was_rounded():
    # 0.66 x log10(bilirubin) - 0.085 x 40 just above -2.60, printed -2.60
    made = with_liver_function(one(bilirubin_umol_l="16.4", albumin_g_l="40"), "subjects.csv")
    assert made[["albi_score", "albi_grade"]].iloc[0].tolist() == ["-2.60", "2"]
    assert contradictions(made, "subjects.csv") == ()


def test_given_points_and_scores_give_class_grade_and_stage():
    bare = {key: FULL[key] for key in FULL if key not in ("bilirubin_umol_l", "albumin_g_l")}
    made = with_liver_function(
        table({**bare, "child_pugh_points": "10", "albi_score": "-1.2"}), "subjects.csv"
    )
    assert made[["child_pugh", "albi_grade", "bclc"]].iloc[0].tolist() == ["C", "3", "D"]


REFUSED = [
    ({"bilirubin_umol_l": "0.9"}, "column bilirubin_umol_l: 0.9 µmol/L .*fits mg/dL"),
    ({"albumin_g_l": "3.8"}, "column albumin_g_l: 3.8 g/L .*fits g/dL"),
    ({"bilirubin_umol_l": "<5"}, "'<5' is not a number"),
    ({"bilirubin_umol_l": "1,2"}, "'1,2' is not a number"),
    ({"inr": "75"}, "75 is no INR"),
    ({"encephalopathy": "5"}, r"'5' is no grade \(0 to 4\)"),
    ({"n_tumours": "0"}, "0 is no number of tumours"),
    ({"n_tumours": "2.5"}, "2.5 is no number of tumours"),
    ({"largest_tumour_cm": "45"}, r"45 cm is no diameter of a tumour \(above 0, up to 40 cm\)"),
    ({"ecog": "7"}, r"'7' is no grade \(0 to 5\)"),
    ({"child_pugh": "D"}, "'D' is no Child-Pugh class"),
    ({"child_pugh": "A7"}, "7 points are not class A"),
    ({"child_pugh_points": "4"}, "4 is no number of Child-Pugh points"),
    ({"albi_score": "26"}, "26 is no ALBI score"),
    ({"albi_grade": "4"}, "4 is no ALBI grade"),
    ({"bclc": "E"}, "'E' is no BCLC stage"),
]


@pytest.mark.parametrize(("cells", "why"), REFUSED)
def test_impossible_cells_are_refused_by_row_and_column(cells, why):
    with pytest.raises(TableError, match=rf"subjects\.csv: row 2, .*{why}.*Correct the cell"):
        with_liver_function(one(**cells), "subjects.csv")


@pytest.mark.parametrize(
    "cells",
    [
        {"ecog": "0-1"}, {"child_pugh": "not cirrhotic"}, {"bclc": "B1"}, {"ascites": "yes"},
        {"ascites": "2"}, {"portal_invasion": "maybe"},
    ],
)  # fmt: skip
def test_legal_words_of_others_are_kept_and_decide_nothing(cells):
    made = with_liver_function(one(**cells), "subjects.csv")
    assert {name: made[name].iloc[0] for name in cells} == cells


def test_words_that_decide_nothing_are_told_by_column():
    """A 2 of ascites may be two points, or moderate of 0 to 2: nobody can tell."""
    rows = [{**FULL, "ascites": word} for word in ("2", "1", "none", "")]
    given = table(*rows)
    made = with_liver_function(given, "subjects.csv")
    assert made["child_pugh"].isna().tolist() == [True, True, False, True]
    [(column, sentence)] = unused_words(given, "subjects.csv")
    assert column == "ascites"
    assert "holds '1', '2', from which no liver function" in sentence
    assert sentence.endswith("Write none, slight or moderate where they are to be.")
    assert unused_words(one(ecog="1.0", portal_invasion="Vp4", ascites="Mild"), "x") == ()


@pytest.mark.parametrize("order", [[1, 0, 2], [2, 1, 0]])
def test_the_order_of_rows_changes_nothing(order):
    rows = [FULL, {**FULL, "inr": "2.0"}, {**FULL, "albumin_g_l": "25", "ecog": "2"}]
    given = table(*rows)
    turned = with_liver_function(given.iloc[order].reset_index(drop=True), "x")
    whole = with_liver_function(given, "x").iloc[order].reset_index(drop=True)
    pd.testing.assert_frame_equal(turned, whole)


def test_no_stage_is_derived_where_only_late_stages_could_be_seen():
    made = with_liver_function(table({"child_pugh": "A", "ecog": "1"}), "subjects.csv")
    assert "bclc" not in made


@pytest.fixture(scope="module")
def staged(shared_data):
    """Return recorded and derived stages of 105 patients; the table says one tumour or several."""
    path = shared_data / "hcc_tace_clinical" / "clinical.csv"
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    raw.columns = raw.columns.str.strip()

    def any_of(*names):
        return (raw[list(names)] == "1").any(axis=1).map({True: "yes", False: "no"})

    given = pd.DataFrame(
        {
            "subject_id": raw["TCIA_ID"],
            "child_pugh": raw["CPS"],
            "ecog": raw["PS_bclc_0_0_1-2_1_3-4_3"],
            "portal_invasion": any_of("Vascular invasion", "Portal Vein Thrombosis"),
            "extrahepatic_spread": any_of("Metastasis", "Lymphnodes"),
            "n_tumours": raw["tumor_nodul"].map({"uninodular": "1", "multinodular": ""}),
            "largest_tumour_cm": raw["Tr_Size"],
        }
    )
    made = with_liver_function(given, "clinical.csv")
    return made.assign(
        recorded=raw["BCLC"].str.removeprefix("Stage-"), bclc=made["bclc"].fillna("")
    )


@pytest.mark.shared
def test_stages_c_and_d_of_105_patients_are_those_recorded(staged):
    late = staged["recorded"].isin(["C", "D"])
    assert late.sum() == 69
    assert (staged["bclc"][late] == staged["recorded"][late]).all()
    assert not staged["bclc"][~late].isin(["C", "D"]).any()


@pytest.mark.shared
def test_single_tumours_recorded_before_2022_differ_where_the_version_does(staged):
    """Since then one tumour up to 2 cm is 0, and one beyond 5 cm no longer B."""
    single = staged[(staged["n_tumours"] == "1") & staged["recorded"].isin(["A", "B"])]
    size = single["largest_tumour_cm"].astype(float)
    pairs = zip(single["recorded"], single["bclc"], strict=True)
    counts = pd.Series(list(pairs)).value_counts().to_dict()
    assert counts == {("A", "A"): 8, ("A", "0"): 1, ("B", "A"): 7}
    assert (size[single["bclc"] == "0"] <= 2).all()
    assert (size[single["recorded"] == "B"] > 5).all()
