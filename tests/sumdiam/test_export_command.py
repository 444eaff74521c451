"""`sumdiam assess`."""

import openpyxl
import pandas as pd
import pytest

from assessment import PolicyError
from measurement.table import TableError
from sumdiam.export.command import OutputError, assess_command
from sumdiam.export.table_file import read_table

LESIONS = """subject_id,lesion_id,timepoint,site,role_given,viable_diameter_mm,scan_on
007,1,0,hepatic,target,40.0,2021-01-04
007,2,0,hepatic,non-target,60.0,2021-01-04
007,1,1,hepatic,target,28.0,2021-04-05
007,2,1,hepatic,non-target,60.0,2021-04-05
007,1,2,hepatic,target,33.6,2021-07-05
007,2,2,hepatic,non-target,60.0,2021-07-05
"""
SUBJECTS = """subject_id,arm,randomised_on,last_known_alive_on
007,A,2021-01-06,2021-09-01
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "lesions.csv").write_text(LESIONS)
    (tmp_path / "subjects.csv").write_text(SUBJECTS)
    return tmp_path


def test_a_lesion_table_becomes_responses_outcomes_and_events(files, capsys):
    code = assess_command(files / "lesions.csv", subjects=files / "subjects.csv", out=files / "out")
    assert code == 0
    responses = read_table(files / "out" / "responses")
    words = dict(zip(responses["timepoint"], responses["overall_response"], strict=True))
    # 40.0 -> 28.0 is exactly -30 %; 28.0 -> 33.6 is exactly +20 %
    assert (words[1], words[2]) == ("PR", "PD")
    events = read_table(files / "out" / "events").set_index("endpoint")
    assert events.loc["PFS", "days"] == 180  # 2021-01-06 to 2021-07-05
    assert bool(events.loc["PFS", "event"])
    told = capsys.readouterr().out
    assert "1 subject, best response PR 1" in told
    assert str(files / "out") in told


def test_the_control_arm_is_recorded(files):
    more = SUBJECTS + "008,B,2021-01-06,2021-09-01\n"
    (files / "subjects.csv").write_text(more)
    given = {"subjects": files / "subjects.csv", "out": files / "out"}
    assess_command(files / "lesions.csv", **given, control_arm="B")
    arms = read_table(files / "out" / "arms")
    assert arms[["arm", "role"]].to_numpy().tolist() == [["B", "control"], ["A", "compared"]]
    with pytest.raises(TableError, match=r"no subject is in arm 'C'.*has A, B"):
        assess_command(files / "lesions.csv", **given, control_arm="C")


def test_the_rules_choose_the_targets_when_asked(files):
    assess_command(files / "lesions.csv", out=files / "given")
    assess_command(files / "lesions.csv", out=files / "auto", select="auto")
    given = read_table(files / "given" / "responses").set_index("timepoint")
    auto = read_table(files / "auto" / "responses").set_index("timepoint")
    assert given.loc[0, "sum_mm"] == 40.0
    assert auto.loc[0, "sum_mm"] == 100.0


def test_the_workbook_holds_lesions_and_responses(files):
    assess_command(files / "lesions.csv", out=files / "out")
    book = openpyxl.load_workbook(files / "out" / "sumdiam.xlsx")
    assert {"lesions", "responses"} <= set(book.sheetnames)
    assert book["lesions"]["A2"].value == "007"


def test_assessing_twice_writes_the_same_bytes(files):
    for name in ("one", "two"):
        assess_command(files / "lesions.csv", subjects=files / "subjects.csv", out=files / name)
    one, two = (
        {f.name: f.read_bytes() for f in (files / name).iterdir()} for name in ("one", "two")
    )
    assert one == two


def test_a_wrong_column_is_named_with_the_nearest_known_one(files):
    (files / "lesions.csv").write_text(LESIONS.replace("viable_diameter_mm", "viable_diametre_mm"))
    with pytest.raises(TableError, match=r"lesions\.csv"):
        assess_command(files / "lesions.csv", out=files / "out")
    assert not (files / "out").exists()


def test_timepoints_that_miss_their_key_are_refused(files):
    (files / "visits.csv").write_text("subject_id,first_scan_on\n007,2021-01-04\n")
    with pytest.raises(TableError, match=r"visits\.csv: column missing: timepoint"):
        assess_command(files / "lesions.csv", timepoints=files / "visits.csv", out=files / "out")


def policy(out, name):
    return read_table(out / "policies").set_index("policy").loc[name, "value"]


def test_policies_can_come_from_a_file(files):
    # 28.0 -> 33.6 is +20 % and 5.6 mm
    (files / "own.toml").write_text('\ufeffset = "seed"\npd_absolute_mm = 6\n', encoding="utf-8")
    assess_command(files / "lesions.csv", out=files / "out", policies=str(files / "own.toml"))
    responses = read_table(files / "out" / "responses").set_index("timepoint")
    assert responses.loc[2, "overall_response"] == "SD"
    assert policy(files / "out", "pd_absolute_mm") == "6"
    assert policy(files / "out", "max_hepatic_targets") == "2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('confirm = "maybe"', r"own\.toml: policy confirm: 'maybe' is not one of off, on"),
        ('confrim = "on"', r"own\.toml: there is no policy 'confrim' \(nearest: confirm\)"),
        ('set = "sed"', r"own\.toml: there is no policy set 'sed'"),
        ("confirm", r"own\.toml: not TOML"),
        ("confirm = true", r"policy confirm: 'true' is not one of"),
        ("sd_minimum_days = -1", "is not a whole number"),
    ],
)
def test_a_file_of_policies_that_cannot_be_used_says_why(files, text, message):
    (files / "own.toml").write_text(text)
    with pytest.raises(PolicyError, match=message):
        assess_command(files / "lesions.csv", out=files / "out", policies=str(files / "own.toml"))


def test_a_file_of_policies_that_is_not_there_is_named(files):
    with pytest.raises(PolicyError, match=r"none\.toml: cannot be read"):
        assess_command(files / "lesions.csv", out=files / "out", policies=str(files / "none.toml"))


def test_a_header_without_rows_is_refused_but_visits_without_lesions_are_no_disease(files):
    (files / "lesions.csv").write_text(LESIONS.splitlines()[0] + "\n")
    with pytest.raises(TableError, match=r"lesions\.csv: a header and no row"):
        assess_command(files / "lesions.csv", out=files / "out")
    (files / "visits.csv").write_text(
        "subject_id,timepoint,first_scan_on\n007,0,2021-01-04\n007,1,2021-04-05\n"
    )
    assess_command(files / "lesions.csv", timepoints=files / "visits.csv", out=files / "out")
    words = read_table(files / "out" / "responses")["overall_response"].tolist()
    assert words[1] == "NE"  # nobody says that new lesions were looked for


def test_a_folder_that_cannot_be_written_is_named(files):
    (files / "out").write_text("a file")
    with pytest.raises(OutputError, match=r"out: cannot be written .* another folder for --out"):
        assess_command(files / "lesions.csv", out=files / "out")


def test_a_table_that_was_handed_in_is_never_written_over(files):
    with pytest.raises(OutputError, match=r"lesions\.csv: --out would write over it"):
        assess_command(files / "lesions.csv", out=files)
    assert (files / "lesions.csv").read_text() == LESIONS
    assert not (files / "responses.csv").exists()


def test_no_id_ever_becomes_a_formula_or_a_link(files):
    for bad in ("=1+1", "+1", "-1", "@SUM(A1)", "http://x.y", "{=1}", "\t=1"):
        (files / "lesions.csv").write_text(LESIONS.replace("007,1,", f"007,{bad},"))
        assess_command(files / "lesions.csv", out=files / "out")
        book = openpyxl.load_workbook(files / "out" / "sumdiam.xlsx")
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
        assert not [cell.value for cell in cells if cell.data_type == "f" or cell.hyperlink]
        assert bad.strip() in [cell.value for cell in cells]


@pytest.mark.shared
def test_the_command_derives_all_574_categories_that_three_readers_recorded(shared_data, tmp_path):
    path = shared_data / "hcc_tace_clinical" / "reader_sums_long.csv"
    sums = pd.read_csv(path, dtype=str, keep_default_na=False)
    equal = 0
    for name, criteria, length in (
        ("mRECIST", "mrecist", "viable_diameter_mm"),
        ("RECIST", "recist_1_1", "whole_diameter_mm"),
    ):
        recorded = sums[(sums["criterion"] == name) & (sums["response"] != "")]
        ids = {"subject_id": recorded["patient"], "reader": recorded["reader"]}
        visits = [
            pd.DataFrame(ids | {length: recorded[column], "timepoint": str(timepoint)})
            for timepoint, column in enumerate(("baseline_sum_mm", "followup_sum_mm"))
        ]
        table = pd.concat(visits).assign(lesion_id="sum", site="hepatic", role_given="target")
        table.to_csv(tmp_path / "lesions.csv", index=False)
        assess_command(tmp_path / "lesions.csv", out=tmp_path / name, criteria=(criteria,))
        derived = read_table(tmp_path / name / "responses").query("timepoint == 1")
        words = derived.set_index(["subject_id", "reader"])["overall_response"]
        equal += sum(
            words[row["patient"], row["reader"]] == row["response"]
            for row in recorded.to_dict("records")
        )
    assert equal == 574
