"""The simulated trial as images: true lengths, places, phases, dirt, marks, a smaller trial."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from imaging.coverage import planes_mm
from imaging.necrotic_shape import Crescent, Ring, TwoIslands
from imaging.shape import Ball, Dead, longest_viable_mm, longest_whole_mm
from imaging.viable_remnant import Remnant
from sumdiam.demo.archive import write_datasets
from sumdiam.demo.cohort.table import load_cohort
from sumdiam.demo.imaged.archive import study_folder, write_subject, write_trial_archive
from sumdiam.demo.imaged.dirt import KINDS, add_dirt, dirt_of
from sumdiam.demo.imaged.input_table import true_lengths, write_trial_inputs
from sumdiam.demo.imaged.lesion_shape import STYLES, lesion_shape
from sumdiam.demo.imaged.place import GRIDS, place_of
from sumdiam.demo.imaged.selection import selected
from sumdiam.demo.imaged.study import TRIAL, shapes_of, trial_study
from sumdiam.demo.imaged.subject import Extent, imaged_subjects
from sumdiam.demo.trial import TrialError

SMALL, LARGE, SPREAD = "SIM-216", "SIM-128", "SIM-217"


@pytest.fixture(scope="module")
def subjects():
    return {one.subject_id: one for one in imaged_subjects(load_cohort())}


@pytest.fixture(scope="module")
def some(subjects):
    """Every fortieth subject, the largest lesions, and one with a lesion in the lung."""
    return [*list(subjects.values())[::40], subjects[LARGE], subjects[SPREAD]]


def lengths(shape, planes):
    return longest_viable_mm(shape, planes, 2.0), longest_whole_mm(shape, planes)


def check_lengths(subjects) -> int:
    n = 0
    for subject in subjects:
        planes = planes_mm(place_of(subject).field.geometry()).tolist()
        for visit in subject.visits:
            for extent, lesion in zip(visit.lesions, shapes_of(subject, visit), strict=True):
                n += 1
                if lesion.shape is None:
                    assert extent.longest_mm == 0
                elif extent.short_mm is not None:
                    short = max(lesion.shape.short_whole_on_plane(z) for z in planes)
                    assert short == pytest.approx(extent.short_mm, abs=1e-6)
                else:
                    viable, whole = lengths(lesion.shape, planes)
                    assert whole == pytest.approx(extent.whole_mm, abs=1e-6)
                    if extent.viable_mm is not None:
                        assert viable == pytest.approx(extent.viable_mm, abs=1e-6)
    return n


def test_every_drawn_lesion_has_the_lengths_of_the_tables_in_closed_form(some):
    assert check_lengths(some) > 60


@pytest.mark.slow
def test_all_lesions_of_the_trial_have_the_lengths_of_the_tables(subjects):
    assert check_lengths(subjects.values()) == 2816


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("viable", "whole"), [(30.0, 40.0), (20.0, 40.0), (9.5, 10.0), (3.0, 9.0)])
def test_a_style_gives_the_lengths_asked_for_wherever_the_slices_lie(style, viable, whole):
    extent = Extent("liver-1", "liver", viable, whole, None)
    for off in (0.0, 0.7, 2.0):
        shape = lesion_shape(
            extent, style=style, angle_deg=33.0, centre_mm=(0.0, 0.0, off), off_plane_mm=off
        )
        planes = [5.0 * k for k in range(-5, 6)]
        assert lengths(shape, planes) == pytest.approx((viable, whole), abs=1e-9)


def test_styles_are_kept_where_there_is_room_and_give_way_where_there_is_none():
    def kind(style, viable, whole):
        extent = Extent("liver-1", "liver", viable, whole, None)
        shape = lesion_shape(
            extent, style=style, angle_deg=0.0, centre_mm=(0.0, 0.0, 0.0), off_plane_mm=0.0
        )
        return type(shape)

    assert kind("ring", 40.0, 50.0) is Ring
    assert kind("crescent", 40.0, 50.0) is Crescent
    assert kind("islands", 12.0, 40.0) is TwoIslands
    assert kind("remnant", 12.0, 40.0) is Remnant
    assert kind("remnant", 40.0, 41.0) is not Remnant  # necrosis of half a pixel cannot be seen
    assert kind("ring", 5.0, 20.0) is Remnant  # its wall would be 0.3 mm
    assert kind("ring", 20.0, 20.0) is Ball
    assert kind("islands", 0.0, 20.0) is Dead


def test_lesions_touch_neither_each_other_nor_the_end_of_the_liver_or_of_the_field(some):
    for subject in some:
        place = place_of(subject)
        liver = next(organ.solid for organ in place.organs if organ.tissue == "liver")
        grid = place.field.geometry()
        low, high = grid.index_to_patient([(0, 0, 0), np.subtract(grid.shape, 1)])
        radius = {name: mm / 2 for (_, name), mm in subject.largest_mm().items()}
        for one, other in combinations(radius, 2):
            apart = math.dist(place.centres[one], place.centres[other])
            assert apart > radius[one] + radius[other] + 5
        for (organ, name), mm in subject.largest_mm().items():
            centre = np.array(place.centres[name])
            assert (centre - mm / 2 > low + 5).all()
            assert (centre + mm / 2 < high - 5).all()
            in_liver = liver.level(centre) < 1
            assert in_liver == (organ == "liver")


def test_pixels_are_at_most_1_mm_and_slices_at_most_5(some):
    assert max(pixel for _, pixel, _ in GRIDS) <= 1.0
    assert max(step for _, _, step in GRIDS) <= 5.0
    spacings = [place_of(one).field.spacing_mm for one in some]
    assert max(max(s[1:]) for s in spacings) <= 1.0
    assert max(s[0] for s in spacings) <= 5.0


def test_phases_and_modalities_are_those_of_the_trial(subjects):
    times = load_cohort().timepoints.set_index(["subject_id", "timepoint"])
    shares = Counter()
    for subject in subjects.values():
        for visit in subject.visits:
            assert visit.phases[:2] == ("native", "late_arterial")
            new = any(v.lesion_id == "liver-new-1" for v in visit.lesions)
            late = "portal_venous" in visit.phases
            assert late or not (new or visit.timepoint == 0)
            shares[late, new or visit.timepoint == 0] += 1
            assert visit.modality == times.loc[(subject.subject_id, visit.timepoint), "modality"]
    without = shares[True, False] / (shares[True, False] + shares[False, False])
    assert 0.2 < without < 0.3


def test_a_study_is_the_same_to_the_byte_whoever_writes_it(subjects, tmp_path):
    pair = [subjects[SMALL], subjects["SIM-021"]]
    assert write_trial_archive(pair, tmp_path / "two", workers=2) == 4
    place_of.cache_clear()
    write_subject(pair[0], tmp_path / "one")
    own = {
        path.relative_to(tmp_path / "one"): path.read_bytes()
        for path in (tmp_path / "one").rglob("*")
        if path.is_file()
    }
    assert len(own) > 60
    for path, content in own.items():
        assert (tmp_path / "two" / path).read_bytes() == content


def test_every_instance_and_table_is_marked_as_simulated(subjects, tmp_path):
    subject = subjects[SMALL]
    study = trial_study(subject, subject.visits[0])
    for instance in study.datasets():
        assert instance.PatientID == f"SIMULATED-{SMALL}"
        assert str(instance.PatientName) == "SIMULATED^"
        assert instance.ClinicalTrialProtocolID == TRIAL
        assert instance.ClinicalTrialSubjectID == SMALL
        assert "simulated" in instance.get("ImageComments", "simulated").lower()
    cohort = selected(load_cohort(), 1)
    write_trial_inputs(cohort, true_lengths([subject]), tmp_path)
    marks = {"subjects": "simulated", "truth_measurements": "simulated"}
    for name, column in marks.items():
        assert (pd.read_csv(tmp_path / f"{name}.csv")[column]).all()
    found = pd.read_csv(tmp_path / "findings.csv", dtype=str)
    assert (found["entered_by"] == "simulated").all()


def test_the_truth_table_holds_the_lengths_of_the_cohort(subjects):
    truth = true_lengths([subjects[SPREAD]]).set_index(["lesion_id", "timepoint", "quantity"])
    stated = load_cohort().lesions
    stated = stated[stated["subject_id"] == SPREAD].set_index(["lesion_id", "timepoint"])
    assert len(truth) > 20
    for (lesion, timepoint, quantity), row in truth.iterrows():
        assert row["value_mm"] == stated.loc[(lesion, timepoint), f"{quantity}_mm"]


def test_dirt_is_of_every_kind_and_never_in_what_is_measured(subjects):
    kinds = Counter(dirt_of(s, v) for s in subjects.values() for v in s.visits)
    assert set(kinds) == {"", *KINDS}
    assert sum(kinds[kind] for kind in KINDS) / kinds.total() > 0.1
    for subject in subjects.values():
        for visit in subject.visits:
            if dirt_of(subject, visit) == "torn":
                assert "portal_venous" in visit.phases
                assert not any("new" in lesion.lesion_id for lesion in visit.lesions)


@pytest.mark.parametrize("kind", KINDS)
def test_dirt_adds_files_or_tears_one_that_nothing_hangs_on(kind, subjects, tmp_path, monkeypatch):
    subject = subjects[SMALL]
    visit = subject.visits[0]
    folder = study_folder(subject, visit, tmp_path)
    write_datasets(trial_study(subject, visit), folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    monkeypatch.setattr("sumdiam.demo.imaged.dirt.dirt_of", lambda *_: kind)
    add_dirt(subject, visit, folder)
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    changed = [path for path in before if before[path] != after[path]]
    assert set(before) <= set(after)
    assert len(after) - len(before) == (kind != "torn")
    assert [path.parent.name for path in changed] == ["portal_venous"] * (kind == "torn")


def test_a_smaller_trial_has_every_arm_and_response_in_proportion():
    cohort = load_cohort()
    found = selected(cohort, 24)
    assert len(found.plan) == 24
    assert len(found.subjects) == 24 + round(24 * 111 / 177)
    arms = found.subjects.set_index("subject_id")["arm"]
    whole = cohort.subjects.set_index("subject_id")["arm"]
    for arm in ("combination", "sorafenib"):
        for best in ("CR", "PR", "SD", "PD"):
            sizes = []
            for one, named in ((found, arms), (cohort, whole)):
                own = one.plan[one.plan["best_response"] == best]["subject_id"]
                sizes.append(int((named[own] == arm).sum()))
            assert abs(sizes[0] - 24 * sizes[1] / 177) < 1
    for name in ("timepoints", "lesions"):
        assert set(getattr(found, name)["subject_id"]) == set(arms.index)
    assert selected(cohort, None) is cohort


def test_a_short_trial_has_the_same_strata_and_far_fewer_outlines(subjects):
    cohort = load_cohort()
    found, other = selected(cohort, 24, short=True), selected(cohort, 24)
    strata = [
        Counter(
            one.plan.merge(one.subjects[["subject_id", "arm"]], on="subject_id")[
                ["arm", "best_response"]
            ].itertuples(index=False, name=None)
        )
        for one in (found, other)
    ]
    assert strata[0] == strata[1]
    assert len(found.subjects) == len(other.subjects)
    outlines = [
        sum(len(v.lesions) for name in one.subjects["subject_id"] for v in subjects[name].visits)
        for one in (found, other)
    ]
    assert outlines[0] < 0.5 * outlines[1]


def test_a_smaller_trial_is_the_same_every_time():
    one, other = (selected(load_cohort(), 8) for _ in range(2))
    assert one.subjects["subject_id"].tolist() == other.subjects["subject_id"].tolist()


@pytest.mark.parametrize("count", [0, 178])
def test_more_or_fewer_patients_than_the_trial_has_are_refused(count):
    with pytest.raises(TrialError, match=f"{count} patients asked for: ask for 1 to 177"):
        selected(load_cohort(), count)
