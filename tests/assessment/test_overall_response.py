"""The full product of target x non-target x new lesion, as literal tables with their sources."""

import csv
from pathlib import Path

import pytest

from assessment import assess, load_criteria
from assessment.code import NEW_WORDS, RESPONSES
from assessment.criteria import overall_table

FOLDER = Path(__file__).parents[2] / "fixtures"
TARGET = {
    "CR": "L1 liver 50 0", "PR": "L1 liver 50 30", "SD": "L1 liver 50 50", "PD": "L1 liver 50 70",
    "NE": "L1 liver 50 ne", "NA": "",
}  # fmt: skip
NONTARGET = {
    "CR": "T1 liver!n pres abs", "NON-CR/NON-PD": "T1 liver!n pres pres",
    "PD": "T1 liver!n pres prog", "NE": "T1 liver!n pres -", "NA": "",
}  # fmt: skip
NEW = {
    "no": ("", "0 60"), "yes": ("N1 lung - 8", "0 60"), "equivocal": ("N1 lung - eq", "0 60"),
    "not_assessed": ("", "0 60n"),
}  # fmt: skip


def cells(name):
    with (FOLDER / f"overall_response_{name}.csv").open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("name", ["mrecist", "recist_1_1"])
def test_the_rule_set_gives_every_cell_of_its_table(name):
    table = overall_table(load_criteria(name))
    for cell in cells(name):
        place = (
            RESPONSES.index(cell["target"]),
            RESPONSES.index(cell["nontarget"]),
            NEW_WORDS.index(cell["new_lesion"]),
        )
        assert RESPONSES[table[place]] == cell["overall"], cell


@pytest.mark.parametrize("name", ["mrecist", "recist_1_1"])
def test_lesions_lead_to_every_cell_of_the_table(name, make_tables):
    patients = []
    for number, cell in enumerate(cells(name)):
        new, visits = NEW[cell["new_lesion"]]
        lesions = "; ".join(
            filter(None, [TARGET[cell["target"]], NONTARGET[cell["nontarget"]], new])
        )
        patients.append({"patient": f"{number:03d}", "lesions": lesions, "visits": visits})
    made = make_tables(patients)
    found = assess(made.pop("lesions"), criteria=(name,), **made).responses
    found = found[found["timepoint"] == 1].set_index("subject_id")
    for number, cell in enumerate(cells(name)):
        row = found.loc[f"{number:03d}"]
        got = (row["target_response"], row["nontarget_response"], row["new_lesion"])
        assert got == (cell["target"], cell["nontarget"], cell["new_lesion"]), row["reason"]
        assert row["overall_response"] == cell["overall"], (cell, row["reason"])


@pytest.mark.parametrize("name", ["mrecist", "recist_1_1"])
def test_every_cell_of_the_product_is_in_the_table_once_and_names_its_source(name):
    rows = cells(name)
    keys = {(row["target"], row["nontarget"], row["new_lesion"]) for row in rows}
    assert len(rows) == len(keys) == 6 * 5 * 4
    assert all(row["source"] for row in rows)
