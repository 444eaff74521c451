"""Three radiologists' sums of 105 patients against the categories that they recorded."""

from fractions import Fraction

import pandas as pd
import pytest

from assessment import assess, read_lesions
from stats.agreement import fleiss_kappa

LENGTH = {
    "mRECIST": ("mrecist", "viable_diameter_mm"),
    "RECIST": ("recist_1_1", "whole_diameter_mm"),
}


@pytest.fixture(scope="module")
def sums(shared_data):
    path = shared_data / "hcc_tace_clinical" / "reader_sums_long.csv"
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def as_lesions(sums, length):
    """Write each reader's sum as one hepatic target: baseline at timepoint 0, follow-up at 1."""
    parts = []
    for timepoint, column in enumerate(("baseline_sum_mm", "followup_sum_mm")):
        given = sums[sums[column] != ""]
        parts.append(
            pd.DataFrame(
                {
                    "subject_id": given["patient"],
                    "reader": given["reader"],
                    "lesion_id": "sum of targets",
                    "timepoint": str(timepoint),
                    "site": "hepatic",
                    "role_given": "target",
                    length: given[column],
                }
            )
        )
    return read_lesions(pd.concat(parts, ignore_index=True), "reader_sums_long.csv")


def categories(sums):
    """Return recorded and derived category of every row that has one."""
    found = []
    for name, (criteria, length) in LENGTH.items():
        recorded = sums[(sums["criterion"] == name) & (sums["response"] != "")]
        result = assess(as_lesions(recorded, length), criteria=(criteria,))
        derived = result.responses[result.responses["timepoint"] == 1]
        found.append(
            recorded.merge(
                derived, left_on=["patient", "reader"], right_on=["subject_id", "reader"], how="left"
            ).assign(best=lambda frame, outcomes=result.outcomes: frame.merge(
                outcomes, on=["subject_id", "reader"])["best_response"])
        )  # fmt: skip
    return pd.concat(found)


@pytest.mark.shared
def test_all_574_recorded_categories_of_three_readers_are_derived(sums):
    assert len(sums) == 630
    rows = categories(sums)
    assert len(rows) == 574
    differ = rows[rows["overall_response"] != rows["response"]]
    assert differ.empty, differ[["patient", "reader", "criterion", "response", "reason"]]
    assert (rows["best"] == rows["response"]).all()


@pytest.mark.shared
def test_three_readers_are_assessed_in_one_call_and_kept_apart(sums):
    recorded = sums[(sums["criterion"] == "mRECIST") & (sums["response"] != "")]
    together = assess(as_lesions(recorded, "viable_diameter_mm")).responses
    assert sorted(together["reader"].unique()) == ["1", "2", "3"]
    for reader in ("1", "2", "3"):
        alone = as_lesions(recorded[recorded["reader"] == reader], "viable_diameter_mm")
        part = together[together["reader"] == reader].reset_index(drop=True)
        pd.testing.assert_frame_equal(assess(alone).responses, part)


@pytest.fixture(scope="module")
def triplets(sums):
    """Return our own mRECIST categories, one row per patient and one column per reader."""
    recorded = sums[(sums["criterion"] == "mRECIST") & (sums["response"] != "")]
    responses = assess(as_lesions(recorded, "viable_diameter_mm")).responses
    later = responses[responses["timepoint"] == 1]
    by_reader = {
        reader: rows.set_index("subject_id")["overall_response"]
        for reader, rows in later.groupby("reader")
    }
    return pd.DataFrame(by_reader)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("of", "published"),
    [
        (None, 0.442628),
        (("CR",), 0.656086),
        (("CR", "PR"), 0.409439),
        (("PD",), 0.526798),
    ],
    ids=["four categories", "CR", "objective response", "PD"],
)
def test_our_own_categories_give_the_published_fleiss_kappas(triplets, of, published):
    rated = triplets if of is None else triplets.isin(of).where(triplets.notna())
    found = fleiss_kappa(rated)
    assert (found.n, found.n_readers) == (93, 3)
    assert round(found.estimate, 6) == published
    assert found.lower < published < found.upper


@pytest.fixture(scope="module")
def easl(shared_data):
    """Return reader 1's sums of products, their code, and the code of mRECIST beside it."""
    text = pd.read_csv(
        shared_data / "hcc_tace_clinical" / "clinical.csv", dtype=str, keep_default_na=False
    )
    names = {"1_EASL_BL": "before", "1_EASL_FU": "after", "1_EASL": "code", "1_mRECIST": "mrecist"}
    table = text.set_index("TCIA_ID")[list(names)].rename(columns=names)
    table = table[table["code"] != ""]
    return table.assign(before=table["before"].map(Fraction), after=table["after"].map(Fraction))


@pytest.mark.shared
def test_the_easl_column_says_only_whether_response_was_complete(easl):
    """The codes 1 to 4 of the other columns are CR, PR, SD, PD; here 3 is CR and 4 is the rest."""
    assert easl["code"].value_counts().to_dict() == {"4.0": 75, "3.0": 21}
    assert ((easl["code"] == "3.0") == (easl["after"] == 0)).all()
    assert ((easl["code"] == "3.0") == (easl["mrecist"] == "1.0")).all()
    as_the_others = easl.apply(lambda row: easl_by_hand(row["before"], row["after"]), axis=1)
    read_alike = easl["code"].map({"3.0": "SD", "4.0": "PD"}) == as_the_others
    assert read_alike.sum() == 9  # read with the others' codes, 87 of 96 would be wrong


def easl_by_hand(before, after):
    """Return the EASL category of one patient from two sums of products."""
    if after == 0:
        return "CR"
    if after >= before * Fraction(5, 4):
        return "PD"
    return "PR" if after <= before / 2 else "SD"


def products(easl):
    """Write each sum as two targets whose products, in tenths of a mm, add up to ten times it."""
    rows = []
    for patient, row in easl.iterrows():
        for timepoint, total in enumerate((row["before"], row["after"])):
            sides, rest = divmod(int(total * 1000), 20_000)
            for lesion, (longest, across) in enumerate(((20_000, sides), (rest, 1))):
                gone = total == 0
                rows.append((patient, lesion, timepoint, *([0, 0] if gone else [longest, across])))
    names = ["subject_id", "lesion_id", "timepoint", "viable_diameter_mm", "across"]
    table = pd.DataFrame(rows, columns=names)
    table["viable_perpendicular_mm"] = table.pop("across")
    for length in ("viable_diameter_mm", "viable_perpendicular_mm"):
        table[length] = [f"{value // 10}.{value % 10}" for value in table[length]]
    table = table.astype({"lesion_id": str, "timepoint": str})
    return read_lesions(table.assign(site="hepatic", role_given="target"), "clinical.csv")


@pytest.mark.shared
def test_easl_categories_come_from_the_sums_of_products_not_from_that_column(easl):
    found = assess(products(easl), criteria=("easl",)).responses
    later = found[found["timepoint"] == 1].set_index("subject_id")["overall_response"]
    expected = easl.apply(lambda row: easl_by_hand(row["before"], row["after"]), axis=1)
    assert later.reindex(easl.index).tolist() == expected.tolist()
    assert expected.value_counts().to_dict() == {"PR": 42, "SD": 24, "CR": 21, "PD": 9}
