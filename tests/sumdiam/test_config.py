"""A configuration file: what it may hold, and what is said where it is wrong."""

from pathlib import Path

import pytest

from sumdiam.batch.command import run_settings
from sumdiam.config import ConfigError

WHOLE = """
subjects = "clinical/subjects.csv"
plan = "plan"
criteria = ["mrecist", "recist_1_1"]
policies = "seed"
gap_mm = 3
resample_masks = true
allow_gaps = "1.2.3"
workers = 2
"""


def settings(folder: Path, text: str, **given):
    (folder / "study.toml").write_text(text)
    return run_settings(
        [Path("archive")], out=Path("RUN"), config=folder / "study.toml", given=given
    )


def test_options_of_a_file_hold_and_its_paths_are_taken_from_its_folder(tmp_path):
    made = settings(tmp_path, WHOLE)
    assert made.subjects == tmp_path / "clinical" / "subjects.csv"
    assert made.plan_dir == tmp_path / "plan"
    assert (made.criteria, made.policies) == (("mrecist", "recist_1_1"), "seed")
    assert (made.gap_mm, made.resample_masks, made.workers) == (3, True, 2)
    assert made.allow_gaps == ("1.2.3",)
    assert made.configuration()["series with missing slices"] == "read: 1.2.3"


def test_what_the_command_line_says_wins(tmp_path):
    made = settings(
        tmp_path, WHOLE, gap_mm=0.0, criteria=("imwg",), policies=None, allow_gaps=(),
        resample_masks=False,
    )  # fmt: skip
    assert (made.gap_mm, made.criteria, made.policies) == (0.0, ("imwg",), "seed")
    assert (made.allow_gaps, made.resample_masks) == (("1.2.3",), True)


def test_a_byte_order_mark_before_the_text_is_passed_over(tmp_path):
    (tmp_path / "study.toml").write_bytes(b"\xef\xbb\xbfgap_mm = 3\r\n")
    made = run_settings([], out=Path("RUN"), config=tmp_path / "study.toml", given={})
    assert made.gap_mm == 3


def test_without_a_file_all_is_as_it_was():
    made = run_settings([Path("a")], out=Path("RUN"), config=None, given={"workers": 1})
    assert (made.criteria, made.policies, made.select) == (("mrecist",), "default", "given")
    assert made.configuration()["series with missing slices"] == "refused"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("allow_gap = []", "Is allow_gaps meant"),
        ("resample-mask = true", "Is resample_masks meant"),
        ("gap_mm = true", "gap_mm is True, but should be int or float"),
        ("allow_gaps = [1.2]", "should be text or list"),
        ("workers = 0", "should be 1 or more"),
        ("select = 'never'", "should be given or auto"),
        ("gap_mm: 3", "no TOML"),
        ("zzz = 1", "Known are adjust_for, allow_gaps, cluster"),
    ],
)
def test_a_file_that_cannot_be_meant_says_how_to_mend_it(tmp_path, text, told):
    with pytest.raises(ConfigError, match=r"study\.toml") as caught:
        settings(tmp_path, text)
    assert told in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read"):
        run_settings([], out=Path("RUN"), config=tmp_path / "nowhere.toml", given={})
