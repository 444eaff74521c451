"""Words of iRECIST on their way out: the closing lines and the report's first progressions."""

from types import SimpleNamespace

import pandas as pd

from assessment import assess, read_lesions
from sumdiam.export.command import summary
from sumdiam.report.figure import RESPONSE_COLOURS
from sumdiam.report.progression import first_progressions
from sumdiam.report.response_summary import BEST, IMMUNE_BEST
from sumdiam.report.wording import RESPONSE_WORDS

DAYS = ("2020-01-01", "2020-03-01", "2020-04-10", "2020-05-20", "2020-07-01")
COURSES = {"P1": "50 60 55 60 65", "P2": "50 60 65 65 65", "P3": "50 60 30 30 30"}


def assessed():
    """Return three courses by iRECIST: taken back and back again, confirmed, pseudoprogression."""
    rows = [
        {"subject_id": name, "lesion_id": "L", "timepoint": str(rank), "site": "hepatic",
         "whole_diameter_mm": length, "scan_on": DAYS[rank]}
        for name, lengths in COURSES.items() for rank, length in enumerate(lengths.split())
    ]  # fmt: skip
    return assess(read_lesions(pd.DataFrame(rows), "short"), criteria=("irecist",))


def test_the_closing_lines_count_the_words_of_irecist():
    assert "best response iPR 1, iSD 1, iCPD 1" in summary(assessed())[0]


def test_progression_that_was_taken_back_is_no_first_progression():
    made = assessed()
    view = SimpleNamespace(responses=made.responses, outcomes=made.outcomes)
    found = first_progressions(view)
    assert found.to_numpy().tolist() == [["P1", 3, "sum of targets"], ["P2", 1, "sum of targets"]]


def test_every_word_of_a_best_response_has_its_meaning_and_its_colour():
    for word in {*BEST, *IMMUNE_BEST}:
        assert RESPONSE_WORDS[word]
        assert RESPONSE_COLOURS[word].startswith("#")
