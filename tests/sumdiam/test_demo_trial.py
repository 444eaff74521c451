"""The simulated trial: the author's verdicts against an independent judge in plain Python."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest

from sumdiam.demo.anatomy import BODY, field_of, measurand, reference_lesions, truth_mm
from sumdiam.demo.trial import TrialError, _lesion, _look, load_trial
from sumdiam.demo.truth_table import findings_table, subjects_table, truth_tables

TRIAL = load_trial()
CATEGORIES = ("CR", "PR", "SD", "PD", "NE")


def tenths(value):
    return int((Decimal(repr(value)) * 10).quantize(Decimal(1), ROUND_HALF_UP))


class Judge:
    """mRECIST for this trial, from closed-form lengths and findings; knows no sumdiam."""

    def __init__(self, subject):
        self.subject = subject
        self.visits = [v for v in range(len(subject.visits)) if v not in subject.unreadable]
        geometry = field_of(subject).geometry()
        self.length = {}
        for visit in self.visits:
            shown = zip(subject.lesions_at(visit), reference_lesions(subject, visit), strict=True)
            for (lesion, _), drawn in shown:
                mm = round(truth_mm(lesion, drawn.shape, geometry)[measurand(lesion)], 4)
                self.length[lesion.lesion_id, visit] = tenths(mm)
        self.finding = {(f["lesion_id"], f["timepoint"]): f for f in subject.findings}
        self.lesions = {lesion.lesion_id: lesion for lesion in subject.lesions}
        self.targets = self.choose()
        old = [name for (name, visit) in self.length if visit == 0]
        self.rest = sorted(set(old) - set(self.targets))

    def choose(self):
        at_baseline = [(-mm, name) for (name, visit), mm in self.length.items() if visit == 0]
        chosen, per_organ = [], {}
        for mm, name in sorted(at_baseline):
            organ = self.lesions[name].organ
            least = 150 if organ == "lymph_node" else 100
            if -mm >= least and per_organ.get(organ, 0) < 2 and len(chosen) < 5:
                chosen.append(name)
                per_organ[organ] = per_organ.get(organ, 0) + 1
        return chosen

    def sum(self, visit):
        statuses = [self.finding.get((name, visit), {}).get("status") for name in self.targets]
        if "not_evaluable" in statuses:
            return None
        return sum(self.length[name, visit] for name in self.targets)

    def target(self, visit):
        now = self.sum(visit)
        if now is None:
            return "NE"
        nodes = [self.lesions[name].organ == "lymph_node" for name in self.targets]
        sizes = [self.length[name, visit] for name in self.targets]
        if all(mm < 100 if node else mm == 0 for mm, node in zip(sizes, nodes, strict=True)):
            return "CR"
        nadir = min(s for s in map(self.sum, range(visit)) if s is not None)
        if nadir == 0:
            return "PD" if max(sizes) >= 100 else "SD"
        if Fraction(now - nadir, nadir) >= Fraction(1, 5):
            return "PD"
        baseline = self.sum(0)
        return "PR" if Fraction(baseline - now, baseline) >= Fraction(3, 10) else "SD"

    def nontarget(self, visit):
        sizes = [self.length[name, visit] for name in self.rest]
        states = ["absent" if mm == 0 else "present" for mm in sizes]
        for (name, at), finding in self.finding.items():
            if at == visit and (name, 0) in self.finding and name not in self.lesions:
                states.append(finding["status"])
        if not states:
            return "NA"
        if "progressed" in states:
            return "PD"
        return "CR" if set(states) == {"absent"} else "NON-CR/NON-PD"

    def new_lesion(self, visit):
        for lesion in self.subject.lesions:
            first = lesion.first_seen
            if first == 0 or visit < first:
                continue
            sizes = [self.length[lesion.lesion_id, v] for v in range(first, max(self.visits) + 1)
                     if v in self.visits]  # fmt: skip
            typical = lesion.course[first].late == "washout"
            grown = max(sizes) - sizes[0] >= 100
            if not lesion.hepatic or (sizes[0] >= 100 and (typical or grown)):
                return True
        return any(
            finding.get("cytology") == "positive" and at <= visit
            for (_, at), finding in self.finding.items()
        )

    def overall(self, visit):
        target, rest = self.target(visit), self.nontarget(visit)
        if self.new_lesion(visit) or "PD" in (target, rest) or self.reappeared(visit):
            return "PD"
        if target == "CR" and rest == "NON-CR/NON-PD":
            return "PR"
        return target

    def reappeared(self, visit):
        return "CR" in map(self.overall, range(1, visit)) and self.sum(visit) and (
            self.target(visit) != "CR"
        )  # fmt: skip

    def first_pd(self):
        return next((v for v in self.visits[1:] if self.overall(v) == "PD"), None)

    def best(self):
        last = self.first_pd() or max(self.visits)
        seen = [self.overall(v) for v in self.visits[1:] if v <= last]
        return min(seen, key=CATEGORIES.index, default="NE")

    def event(self, endpoint):
        subject, pd = self.subject, self.first_pd()
        alive = subject.alive_until if subject.died is None else subject.died
        if endpoint == "OS":
            return alive, subject.died is not None
        if pd is not None:
            return subject.visits[pd], True
        if endpoint == "PFS" and subject.died is not None:
            return subject.died, True
        return (max(subject.visits) if len(self.visits) > 1 else 0), False


@pytest.mark.parametrize("subject", TRIAL, ids=lambda s: s.subject_id)
def test_the_authors_verdicts_follow_from_the_closed_forms(subject):
    judge = Judge(subject)
    follow_ups = [v for v in range(1, len(subject.visits)) if v not in subject.unreadable]
    assert tuple(judge.target(v) for v in follow_ups) == subject.truth.target
    assert tuple(judge.nontarget(v) for v in follow_ups) == subject.truth.nontarget
    assert tuple(judge.overall(v) for v in follow_ups) == subject.truth.overall
    assert judge.first_pd() == subject.truth.first_pd
    assert judge.best() == subject.truth.best
    assert {name: judge.event(name) for name in ("OS", "PFS", "TTP")} == subject.truth.events


@pytest.mark.parametrize("subject", TRIAL, ids=lambda s: s.subject_id)
def test_sums_keep_away_from_cut_offs_except_where_marked_borderline(subject):
    judge = Judge(subject)
    for visit in judge.visits[1:]:
        now, baseline = judge.sum(visit), judge.sum(0)
        earlier = [s for s in map(judge.sum, range(visit)) if s is not None]
        if now is None or judge.target(visit) == "CR":
            continue
        cut_offs = [0.7 * baseline] + [1.2 * min(earlier)] * (min(earlier) > 0)
        margin_mm = min(abs(now - cut) for cut in cut_offs) / 10
        if visit in subject.borderline:
            assert 0.3 <= margin_mm <= 0.8
        else:
            assert margin_mm >= 3 * subject.pixel_mm


@pytest.mark.parametrize("subject", TRIAL, ids=lambda s: s.subject_id)
def test_lengths_keep_away_from_what_makes_a_lesion_count(subject):
    judge = Judge(subject)
    for name, lesion in judge.lesions.items():
        first = lesion.first_seen
        if (name, first) not in judge.length:
            continue
        mm, pixel = judge.length[name, first] / 10, subject.pixel_mm
        for cut in (10.0, 15.0) if lesion.organ == "lymph_node" else (10.0,):
            assert abs(mm - cut) >= 3 * pixel
    of_liver = sorted(
        judge.length[name, 0] / 10
        for name, lesion in judge.lesions.items()
        if lesion.hepatic and (name, 0) in judge.length
    )
    if len(of_liver) > 2:  # which of them are targets must not hang on a pixel
        assert of_liver[-2] - of_liver[-3] >= 3 * subject.pixel_mm


def test_the_trial_covers_what_it_is_for():
    overall = {word for s in TRIAL for word in s.truth.overall}
    assert overall == {"CR", "PR", "SD", "PD", "NE"}
    assert {s.truth.best for s in TRIAL} == {"CR", "PR", "SD", "PD", "NE"}
    assert len(TRIAL) == 24
    assert sorted(s.arm for s in TRIAL).count("combination") == 12
    assert sum(len(s.borderline) for s in TRIAL) == 4
    assert 80 <= sum(len(s.visits) for s in TRIAL) <= 90
    assert {len(s.visits) - 1 for s in TRIAL} == {0, 1, 2, 3, 4}
    looks = [
        look.shape
        for s in TRIAL
        for v in range(len(s.visits))
        for lesion, look in s.lesions_at(v)
        if lesion.hepatic
    ]
    necrotic = sum(look in {"ring", "crescent", "islands"} for look in looks)
    assert necrotic >= len(looks) / 3
    assert looks.count("dead") >= 8
    assert looks.count("empty") >= 1


def test_a_new_liver_lesion_is_always_shown_in_the_portal_venous_phase():
    new = [
        s.phases_at(visit)
        for s in TRIAL
        for lesion in s.lesions
        if lesion.hepatic and lesion.first_seen > 0
        for visit in range(lesion.first_seen, len(s.visits))
    ]
    assert new
    assert all("portal_venous" in phases for phases in new)


@pytest.mark.parametrize("subject", TRIAL, ids=lambda s: s.subject_id)
def test_lesions_lie_in_the_field_apart_from_each_other_and_in_their_organ(subject):
    half_height = (24 - 1) * 2.5 / 2
    liver = BODY.organs[-1].solid
    for visit in range(len(subject.visits)):
        drawn = [r for r in reference_lesions(subject, visit) if r.shape is not None]
        for number, one in enumerate(drawn):
            whole = one.shape.whole
            x, y, z = whole.centre_mm
            radius = max(whole.semi_axes_mm[:2])
            assert abs(z) + whole.semi_axes_mm[2] < half_height
            if one.organ == "liver":
                rim = [(x + radius * i, y + radius * j, z) for i in (-1, 0, 1) for j in (-1, 0, 1)
                       if abs(i) + abs(j) == 1]  # fmt: skip
                assert max(liver.level(rim)) < 1
            for other in drawn[number + 1 :]:
                two = other.shape.whole
                apart = ((x - two.centre_mm[0]) ** 2 + (y - two.centre_mm[1]) ** 2) ** 0.5
                assert apart > radius + max(two.semi_axes_mm[:2]) + 3


def test_deaths_and_last_contact_do_not_lie_before_the_last_study():
    for s in TRIAL:
        assert (s.died is None) != (s.alive_until is None)
        last = s.alive_until if s.died is None else s.died
        assert last >= max(s.visits)
        assert list(s.visits) == sorted(s.visits)
        assert -28 <= s.visits[0] <= 0 <= s.started


def test_the_tables_that_are_handed_in_hold_no_truth():
    tables = truth_tables(TRIAL)
    assert len(tables.responses) == sum(len(s.truth.overall) for s in TRIAL)
    handed = set(subjects_table(TRIAL).columns) | set(findings_table(TRIAL).columns)
    assert not [name for name in handed if "response" in name or "diameter" in name]


def test_a_course_that_does_not_fit_is_refused_with_subject_and_lesion():
    with pytest.raises(TrialError, match="SIM-001 liver-1: 2 looks for 3 visits"):
        _lesion({"id": "liver-1", "organ": "liver", "course": "ball 3; ball 4"}, "SIM-001", 3)
    with pytest.raises(TrialError, match="SIM-001: shape 'bal' is none of"):
        _look("bal 30", "SIM-001")
