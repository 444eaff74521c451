"""The reviewer's view of the simulated trial, its cost, and its part of the validation page."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace

import pandas as pd
import pytest
from PIL import Image

from benchmarks.document_part import part_of, with_part
from benchmarks.trial_table import Trial, accuracy_lines, cost_lines, document, limit_lines
from sumdiam.demo.cohort.words import FACTOR_WORDS, SHAPE_WORDS, in_words
from sumdiam.demo.imaged.cost import COMPILING, WRITING, trial_cost, write_archive_cost
from sumdiam.demo.imaged.review_page import summary, write_review
from sumdiam.demo.imaged.sample import measured_lesions, review_sample, shares
from sumdiam.step_clock import Spent

COMMON, RARE = 300, 6


def lengths() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Truth and measurements of 300 balls seen by CT and 6 rings seen by MR, some flagged."""
    rows = []
    for n in range(COMMON + RARE):
        rare = n >= COMMON
        rows.append(
            {
                "subject_id": f"SIM-{n % 40:03d}", "lesion_id": f"liver-{n}", "timepoint": n % 3,
                "quantity": "viable_diameter", "value_mm": 45.0 if rare else 5.0 + n % 30,
                "pixel_mm": 0.75, "slice_mm": 3.0, "shape": "ring" if rare else "ball",
                "modality": "MR" if rare else "CT",
            }
        )  # fmt: skip
    truth = pd.DataFrame(rows)
    measured = truth.assign(
        value=truth["value_mm"] + 0.5, reader="auto", revision=1, reason=None,
        measurement_id=[f"m{n}" for n in range(len(truth))], standard_uncertainty=0.5,
        flags=["low_cnr(1.2)" if n % 20 == 0 else None for n in range(len(truth))],
    )  # fmt: skip
    return truth, measured


@pytest.fixture(scope="module")
def lesions():
    truth, measured = lengths()
    return measured_lesions(measured, truth)


def test_limits_are_the_length_and_1_96_standard_uncertainties_to_either_side(lesions):
    row = lesions[lesions["value_mm"] == 45.0].iloc[0]
    assert (row["lower_mm"], row["upper_mm"]) == pytest.approx((45.5 - 0.98, 45.5 + 0.98), abs=1e-3)
    assert row["within_limits"]
    truth, measured = lengths()
    far = measured_lesions(measured.assign(value=truth["value_mm"] + 1.1), truth)
    assert not far["within_limits"].any()
    nothing = measured_lesions(measured.assign(value=0.0, standard_uncertainty=0.0), truth)
    assert nothing["within_limits"].isna().all()
    near = measured_lesions(measured.assign(value=0.3), truth)
    assert (near["lower_mm"] == 0.0).all()


def test_a_lesion_counts_with_its_viable_diameter_where_it_has_one():
    truth, measured = lengths()
    other = {"quantity": "whole_diameter"}
    both = pd.concat([truth.assign(**other), truth.iloc[5:]], ignore_index=True)
    found = measured_lesions(pd.concat([measured, measured.assign(**other)]), both)
    assert len(found) == len(truth)
    assert Counter(found["quantity"]) == {"viable_diameter": 301, "whole_diameter": 5}


def test_of_several_versions_of_a_measurement_the_last_counts():
    truth, measured = lengths()
    again = measured.assign(revision=2, value=truth["value_mm"] + 0.1)
    found = measured_lesions(pd.concat([again, measured]), truth)
    assert found["error_mm"].round(6).eq(0.1).all()
    assert len(found) == len(truth)


def test_a_sample_shows_rare_kinds_as_often_as_common_ones(lesions):
    sample = review_sample(lesions)
    assert len(sample) == 40
    assert not sample.duplicated(["subject_id", "lesion_id", "timepoint"]).any()
    assert (sample["shape"] == "ring").sum() == RARE
    assert 10 <= (sample["doubt"] == "flagged").sum() <= 20
    assert sample["subject_id"].nunique() > 20
    counted = {(kind, level): (n, of) for kind, level, n, of in shares(lesions, sample)}
    assert counted["shape", "ring"] == (RARE, RARE)
    assert counted["modality", "CT"][1] == COMMON


def test_a_sample_is_the_same_every_time_and_whatever_the_order(lesions):
    shuffled = lesions.sample(frac=1.0, random_state=3).reset_index(drop=True)
    one, other = (review_sample(rows)["measurement_id"].tolist() for rows in (lesions, shuffled))
    assert one == other
    assert len(review_sample(lesions.head(7))) == 7


def test_the_reviewers_page_shows_pictures_truth_limits_and_flags(lesions, tmp_path):
    sample = review_sample(lesions)
    picture = io.BytesIO()
    Image.new("L", (4, 4)).save(picture, "PNG")
    for name in sample["measurement_id"].iloc[1:]:
        (tmp_path / f"{name}.png").write_bytes(picture.getvalue())
    page = write_review(
        lesions, sample, tmp_path / "page.html", overlays=tmp_path, report="report.html"
    )
    text = page.read_text(encoding="utf-8")
    assert text.count("<article") == 40
    assert text.count("data:image/png;base64,") == 39
    assert text.count("No picture") == 1
    assert text.count("<dt>95 % limits</dt>") == 40
    flagged = int((sample["doubt"] == "flagged").sum())
    assert text.count('<article class="flagged"') == text.count("<ul>") == flagged
    assert "no subject on this page is a person" in text
    assert "http" not in text.replace("http-equiv", "")
    assert f"report.html#picture-{sample['measurement_id'].iloc[1]}" in text
    assert "306 measurements of the trial: of 306 with limits, truth lies within them for 306" in (
        summary(lesions, sample)
    )


def times(folder, studies, cpu_s):
    (folder / "run").mkdir(parents=True)
    one = {"wall_s": 2 * cpu_s, "cpu_s": cpu_s}
    said = {
        "studies": studies, "workers": 2, "whole_call": {"wall_s": 90.0, "cpu_s": 5 * cpu_s},
        "stages_of_this_call": {"scan": one, "compile": {"wall_s": 60, "cpu_s": 60.0}, "plan": one, "measure": {"wall_s": 1, "cpu_s": 3 * cpu_s},
                                "assess": one, "settle": one},
        "studies_timed": studies,
        "steps_of_all_studies": {"read": one, "measure": one},
        "largest_study": one, "peak_memory_mb": {"worker": 640.0, "main_process": 500.0},
    }  # fmt: skip
    (folder / "run" / "times.json").write_text(json.dumps(said))


def test_the_cost_of_a_trial_adds_up_by_stage_and_per_study(tmp_path):
    assert trial_cost(tmp_path, 24) is None
    times(tmp_path, 10, 20.0)
    write_archive_cost(tmp_path, Spent(8.0, 5.0), studies=10, archive_mb=39.0)
    cost = trial_cost(tmp_path, 6)
    rows = {row.stage: row.cpu_s for row in cost.rows}
    assert rows == {
        WRITING: 5.0, COMPILING: 60.0, "reading headers and selecting": 40.0, "reading images and masks": 20.0,
        "measuring": 20.0, "starting workers, handing over": 20.0, "assessment": 40.0,
    }  # fmt: skip
    assert cost.whole().cpu_s == sum(rows.values()) - 60.0 == 145.0
    assert cost.per_study_s() == 14.5
    assert (cost.archive_mb, cost.peak_worker_mb) == (39.0, 640.0)


def trial(lesions_of, cost=None, patients=24) -> Trial:
    truth, measured = lesions_of
    odd = pd.DataFrame({"subject_id": ["SIM-001"], "called_doubtful": [True]})
    return Trial(
        patients, 39, 130, measured, truth, Counter({"equal": 230, "differs": 2}), odd, cost
    )


def test_the_validation_page_gets_the_trials_errors_and_keeps_its_other_parts(tmp_path):
    times(tmp_path, 130, 20.0)
    whole = trial(lengths(), trial_cost(tmp_path, 24))
    assert accuracy_lines(whole)[2].startswith(
        "| Viable diameter |  | all | 306 | 0 | +0.50 | 0.00 | +0.50 to +0.50 | 0.50 |"
    )
    assert limit_lines(whole)[2] == ("| all | 306 | 100.0 % (306/306) | 100.0 % (290/290) | 0.98 |")
    few = replace(whole, patients=6, studies=30, cost=None)
    assert cost_lines([few]) == ["Not measured in these runs."]
    text = document([few, whole])
    assert "23 of 24 patients. Others: SIM-001; of these the run called 1 doubtful, 0 not." in text
    assert "| seconds of a processor per study | 24 patients |" in text
    assert "Simulated lesions are not patients" in text
    page = with_part("# Page\n\nOther.\n", "simulated trial", text)
    assert page.startswith("# Page\n\nOther.\n")
    assert part_of(page, "simulated trial") == text.strip("\n")
    assert with_part(page, "simulated trial", text) == page
    assert with_part(page, "simulated trial", "") == page
    assert part_of("# Page\n", "simulated trial") == ""


def test_every_factor_and_shape_has_words():
    assert in_words("PFS hazard, age_65, ratio") == "PFS hazard, Age 65 years or more, hazard ratio"
    assert in_words("site_both, sorafenib") == "First progression in both, sorafenib"
    for words in (*FACTOR_WORDS.values(), *SHAPE_WORDS.values()):
        assert "_" not in words
