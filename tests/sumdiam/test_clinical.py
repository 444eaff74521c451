"""Clinical tables: what is read, what is refused, and with which remedy."""

from pathlib import Path

import pandas as pd
import pytest

from assessment.lesion_input import read_lesions
from assessment.liver_table import DERIVED, INPUTS
from measurement.table import TableError
from sumdiam.archive.clinical import (
    covariate_problems,
    date_problems,
    read_findings,
    read_subject_map,
    read_subjects,
    scan_date_problems,
)
from sumdiam.archive.csv_text import read_text


def written(folder: Path, text: str | bytes, name: str = "subjects.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_ids_keep_their_zeros_and_covariates_follow_as_text(tmp_path):
    path = written(tmp_path, "subject_id,arm,randomised_on,age\n007,A,2020-01-31,71\n08,B,,NA\n")
    subjects = read_subjects(path)
    assert subjects["subject_id"].tolist() == ["007", "08"]
    assert subjects["randomised_on"].iloc[0] == pd.Timestamp("2020-01-31")
    assert subjects["randomised_on"].isna().tolist() == [False, True]
    assert subjects["age"].tolist() == ["71", "NA"]


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path):
    path = written(tmp_path, b"\xef\xbb\xbfsubject_id,arm\r\n1,A\r\n")
    assert read_subjects(path)["arm"].tolist() == ["A"]


FILES = [
    # text, what the message must say
    (b"", "subjects.csv: the file is empty"),
    (b"\n \n", "the file is empty"),
    ("subject_id,arm\n1,Sorafénib\n".encode("latin-1"), r"line 2 .*not UTF-8 \(0xe9\).*Save"),
    ("subject_id,arm\n1,A\n".encode("utf-16"), "UTF-16.*Save it as CSV"),
    (b"PK\x03\x04rest", "workbook.*Save it as CSV"),
    (b"subject_id;arm\n1;A\n", "no comma"),
    (b"subject_id,arm,arm\n1,A,B\n", "column 'arm' appears twice"),
    (b"subject_id,arm,arm \n1,A,B\n", "column 'arm' appears twice"),
    (b"subject_id,,arm\n1,,A\n", "column 2 has no name"),
    (b"subject_id,arm\n1,A\n2,B,x\n", "line 3 has 3 cells, the header has 2"),
    (b"subject_id,arm\n1,A\n2\n", "line 3 has 1 cells, the header has 2"),
    (b'subject_id,arm\n1,"A\n2,B\n', "double quote"),
    (b"patient,arm\n1,A\n", "column missing: subject_id"),
    (b"subject_id,arm\n1,A\n2,B\n1,A\n", "subject_id '1' stands in row 2, 4"),
    (b"subject_id,arm\n1,A\n 1 ,A\n", "subject_id '1' stands in row 2, 3"),
    (b"subject_id,arm\n,A\n", "subject_id is empty in row 2"),
    (b"subject_id,arm\n1,A\n2,\n3, \n", "arm is empty in row 3, 4"),
    (b"subject_id,arm\n1,A\n2,a \n", "spelt in several ways: 'A' in row 2, 'a ' in row 3"),
    (b"subject_id,arm\n1,TACE  x\n2,TACE x\n", "spelt in several ways"),
    (b"subject_id,randomized_on\n1,2020-01-01\n", "'randomized_on'.*'randomised_on'"),
    (b"subject_id,arm \n1,A\n", "'arm '.*looks like 'arm'"),
    (b"subject_id,Arm\n1,A\n", "'Arm'.*looks like 'arm'"),
    (b"subject_id,death_date\n1,2020-01-01\n", "'death_date'.*'died_on'"),
    (b"subject_id,DateOfDeath\n1,\n", "'DateOfDeath'.*'died_on'"),
    (b"subject_id,died\n1,2020-01-01\n", "'died'.*'died_on'"),
    (b"subject_id,died_on\n1,01/02/2020\n", "row 2, column died_on.*YYYY-MM-DD"),
    (b"subject_id,died_on\n1,2020-02-30\n", "row 2, column died_on.*YYYY-MM-DD"),
]


@pytest.mark.parametrize(("text", "message"), FILES)
def test_a_table_that_cannot_be_used_says_where_and_how_to_mend_it(tmp_path, text, message):
    with pytest.raises(TableError, match=message):
        read_subjects(written(tmp_path, text))


LINES = [
    # text with blank lines and cells of several lines, what the message must say
    (b"\n\nsubject_id,died_on\n\n1,2020-01-02\n\n2,02.01.2020\n", "row 7, column died_on"),
    (b'subject_id,note,died_on\n1,"two\nlines",\n2,x,soon\n', "row 4, column died_on"),
    (b"subject_id,arm\n\n1,A\n\n\n2,B\n1,A\n", "subject_id '1' stands in row 3, 7"),
    (b"subject_id,arm\r\n\r\n1,A\r\n,B\r\n", "subject_id is empty in row 4"),
    (b'subject_id,arm\n1,"A\nA"\n\n2\n', "line 5 has 1 cells"),
]


@pytest.mark.parametrize(("text", "message"), LINES)
def test_a_row_is_named_by_its_line_in_the_file_whatever_lines_are_blank(tmp_path, text, message):
    with pytest.raises(TableError, match=message):
        read_subjects(written(tmp_path, text))


def test_a_length_that_cannot_be_is_named_by_its_line_in_the_file(tmp_path):
    path = written(
        tmp_path,
        b"subject_id,lesion_id,timepoint,site,viable_diameter_mm\n\n"
        b"1,a,0,hepatic,20\n\n1,a,1,hepatic,99999999\n",
        "lesions.csv",
    )
    with pytest.raises(TableError, match="row 5, column viable_diameter_mm"):
        read_lesions(read_text(path), path.name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TableError, match=r"nowhere\.csv: cannot be read"):
        read_subjects(tmp_path / "nowhere.csv")


def test_a_table_without_arms_is_one_group(tmp_path):
    assert read_subjects(written(tmp_path, "subject_id,arm\n1,\n2,\n"))["arm"].isna().all()


def test_a_covariate_that_may_be_meant_as_a_known_column_is_warned_about(tmp_path):
    subjects = read_subjects(written(tmp_path, "subject_id,died,age\n1,yes,70\n"))
    [problem] = covariate_problems(subjects, origin="subjects.csv")
    assert problem.where == "died"
    assert "rename it" in problem.sentence
    assert not problem.refused


def test_dates_that_go_backwards_name_the_subject_and_both_dates(tmp_path):
    text = (
        "subject_id,randomised_on,died_on,last_known_alive_on\n"
        "S1,2020-03-01,2020-02-01,\nS2,2020-03-01,2021-01-01,2021-01-01\n"
    )
    [problem] = date_problems(read_subjects(written(tmp_path, text)), origin="subjects.csv")
    assert problem.code == "dates_backwards"
    assert problem.where == "S1"
    assert "died_on (2020-02-01) lies before randomised_on (2020-03-01)" in problem.sentence
    assert "Correct one of the dates" in problem.sentence
    assert problem.refused


def test_images_after_death_are_listed(tmp_path):
    subjects = read_subjects(written(tmp_path, "subject_id,died_on\nS1,2020-02-01\n"))
    timepoints = pd.DataFrame(
        {
            "subject_id": ["S1", "S1"],
            "timepoint": [0, 1],
            "last_scan_on": pd.to_datetime(["2020-01-01", "2020-02-02"]),
        }
    )
    [problem] = scan_date_problems(timepoints, subjects, origin="subjects.csv")
    assert "timepoint 1 was scanned on 2020-02-02, after died_on" in problem.sentence


def test_a_subject_map_gives_each_patient_id_its_subject(tmp_path):
    path = written(tmp_path, "patient_id,subject_id\n0012,S1\nX,S2\n", "map.csv")
    assert read_subject_map(path) == {"0012": "S1", "X": "S2"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("patient,subject_id\n1,S1\n", "map.csv: the columns are patient, subject_id"),
        ("patient_id,subject_id\n1,S1\n1,S2\n", "patient_id '1' stands in row 2, 3"),
        ("patient_id,subject_id\n1,\n", "subject_id is empty in row 2"),
    ],
)
def test_a_subject_map_that_contradicts_itself_is_refused(tmp_path, text, message):
    with pytest.raises(TableError, match=message):
        read_subject_map(written(tmp_path, text, "map.csv"))


def test_findings_are_read_with_their_words_checked(tmp_path):
    text = "subject_id,timepoint,lesion_id,site,status\nS1,1,N1,hepatic,progressed\n"
    findings = read_findings(written(tmp_path, text, "findings.csv"))
    assert findings["status"].tolist() == ["progressed"]
    with pytest.raises(TableError, match=r"findings\.csv: status: .*'worse'"):
        read_findings(written(tmp_path, text.replace("progressed", "worse"), "findings.csv"))
    with pytest.raises(TableError, match=r"unknown column 'sight'.*'site'"):
        read_findings(written(tmp_path, text.replace("site", "sight"), "findings.csv"))


LIVER = "subject_id,bilirubin_mg_dl,albumin_g_dl,inr,ascites,encephalopathy,child_pugh\n"


def test_liver_function_is_derived_behind_the_covariates_of_a_file(tmp_path):
    text = LIVER + "007,1.0,4.0,1.1,none,none,\n008,2.5,3.0,1.1,slight,none,A\n"
    subjects = read_subjects(written(tmp_path, text))
    assert subjects["child_pugh"].tolist() == ["A", "A"]
    assert subjects["child_pugh_points"].tolist() == ["5", "8"]
    assert subjects["albi_grade"].tolist() == ["2", "2"]  # -2.586 and -1.474
    [problem] = covariate_problems(subjects, origin="subjects.csv")
    assert (problem.code, problem.where) == ("given_contradicts_inputs", "008")
    assert "is 'A', but its other columns give 'B'. The given one is used" in problem.sentence
    assert not problem.refused


def test_a_laboratory_value_in_another_unit_is_refused_with_its_row(tmp_path):
    path = written(tmp_path, LIVER + "007,1.0,4.0,1.1,,,\n008,35,4.0,1.1,,,\n009,17,40,1.1,,,\n")
    with pytest.raises(TableError, match=r"row 4, column albumin_g_dl: 40 g/dL .*fits g/L"):
        read_subjects(path)


def test_a_laboratory_column_without_unit_or_in_other_letters_is_told(tmp_path):
    path = written(tmp_path, "subject_id,bilirubin,Ascites\n007,1.0,none\n")
    problems = covariate_problems(read_subjects(path), origin="subjects.csv")
    said = {problem.where: problem.sentence for problem in problems}
    assert "Rename it to 'bilirubin_umol_l' or 'bilirubin_mg_dl'" in said["bilirubin"]
    assert "meant as 'ascites'" in said["Ascites"]
    assert {problem.code for problem in problems} == {"near_column"}


def test_table_1_counts_what_was_derived(tmp_path):
    from stats.baseline_table import baseline_table

    rows = ["1.0,4.0,1.1,none,none", "2.5,3.0,1.1,slight,none", "9,2.0,3,moderate,1-2"]
    text = LIVER + "".join(f"{n},{row},\n" for n, row in enumerate([*rows, "1.0,,1.1,none,none"]))
    subjects = read_subjects(written(tmp_path, text))
    shown = subjects[["child_pugh", "albi_grade"]]
    table = baseline_table(shown, pd.Series(["all"] * 4))
    counts = {
        one.variable: ({level.level: level.overall for level in one.levels}, sum(one.missing))
        for one in table.characteristics
    }
    # ALBI: -2.586, -1.474 and -0.256
    assert counts["child_pugh"] == ({"A": 1, "B": 1, "C": 1}, 1)
    assert counts["albi_grade"] == ({"2": 2, "3": 1}, 1)


def test_every_column_of_liver_function_may_stand_in_a_file(tmp_path):
    names = [*INPUTS, *DERIVED]
    path = written(tmp_path, f"subject_id,{','.join(names)}\n007{',' * len(names)}\n")
    subjects = read_subjects(path)
    assert set(names) <= set(subjects.columns)
    assert covariate_problems(subjects, origin="subjects.csv") == ()


def test_ascites_in_numbers_is_read_and_told(tmp_path):
    path = written(tmp_path, LIVER + "007,1.0,4.0,1.1,1,none,\n")
    [problem] = covariate_problems(read_subjects(path), origin="subjects.csv")
    assert (problem.code, problem.where, problem.refused) == ("words_not_used", "ascites", False)
