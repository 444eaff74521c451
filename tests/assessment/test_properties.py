"""What must hold whatever the lesions are."""

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import assessment
from assessment import assess, load_criteria
from assessment.code import CR, NE, NO_DAY, PD, PR, SD
from assessment.course import make_course
from assessment.criteria import Rules
from assessment.lesion_columns import lesion_columns
from assessment.part import assess_parts, read_lesion_states
from assessment.policy import PolicySet
from assessment.response import NonTargets, Setting, assess_timepoints
from assessment.sums import sum_targets

GOODNESS = {CR: 0, PR: 1, SD: 2, PD: 3}
FEW = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(max_examples=100, deadline=None)
LENGTH = st.integers(0, 800).map(lambda tenths: tenths * 10)


def target_codes(values, criteria="mrecist", changes=None):
    """Return target responses of one case from lengths (lesion, rank) in hundredths of a mm."""
    value = np.asarray(values, dtype=np.int64)
    n, depth = value.shape
    bounds = np.array([0, n])
    none = np.zeros((n, depth), dtype=bool)
    sums = sum_targets(value, value == 0, np.ones(n, dtype=bool), bounds, reappears_from=1000)
    nontargets = NonTargets.count(none[:, 0], none, none, none, bounds)
    setting = Setting(
        criteria=load_criteria(criteria),
        policy=PolicySet("default", changes or {}).values_for(criteria),
        exists=np.ones((1, depth), dtype=bool),
        baseline_known=np.array([True]),
        no_target_is_ne=np.array([False]),
        day=np.full((1, depth), NO_DAY),
    )
    found = assess_timepoints(sums, nontargets, np.zeros((1, depth), dtype=np.int64), setting)
    return found.target[0].tolist()


def exact(baseline, nadir, total):
    """Return the response of a sum by the rules, in Python's own integers, without the engine."""
    if total == 0:
        return CR
    if nadir == 0 and total >= 1000:  # below 10 mm the length joins the sum and makes no PD
        return PD
    if nadir > 0 and 5 * (total - nadir) >= nadir and total > nadir:
        return PD
    return PR if 10 * total <= 7 * baseline else SD


@MANY
@example(baseline=100, second=0, third=80)
@given(st.integers(100, 8000), LENGTH, LENGTH)
def test_a_sum_is_judged_by_exact_integers(baseline, second, third):
    codes = target_codes([[baseline, second, third]], changes={"reappearance": "sum"})
    assert codes[1] == exact(baseline, baseline, second)
    assert codes[2] == exact(baseline, min(baseline, second), third)


@MANY
@given(
    st.sampled_from(["mrecist", "recist_1_1", "who", "vrecist"]),
    st.integers(1, 800),
    LENGTH,
    LENGTH,
    LENGTH,
)
def test_a_larger_sum_is_never_a_better_response(criteria, baseline, middle, one, other):
    smaller, larger = sorted((one, other))
    small = target_codes([[baseline * 10, middle, smaller]], criteria)[2]
    large = target_codes([[baseline * 10, middle, larger]], criteria)[2]
    assert GOODNESS[large] >= GOODNESS[small]


@MANY
@given(st.lists(st.tuples(LENGTH, LENGTH, LENGTH), min_size=1, max_size=4), st.integers(2, 9))
def test_scaling_every_length_changes_no_response_without_an_absolute_rule(rows, factor):
    changes = {"zero_nadir": "sum_rule"}
    scaled = [[factor * value for value in row] for row in rows]
    assert target_codes(rows, changes=changes) == target_codes(scaled, changes=changes)


@MANY
@given(st.lists(st.tuples(LENGTH, LENGTH, LENGTH), min_size=2, max_size=4), st.randoms())
def test_the_order_of_lesions_changes_no_response(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert target_codes(rows) == target_codes(shuffled)


@MANY
@given(st.integers(100, 8000), LENGTH, LENGTH)
def test_a_target_not_measured_is_ne_unless_the_rest_proves_pd(baseline, second, other):
    code = target_codes([[baseline, second], [baseline, -1]])[1]
    proven = 5 * (second - 2 * baseline) >= 2 * baseline
    assert code == (PD if proven else NE)
    assert other >= 0


WORDS = st.sampled_from(["30", "20.9", "21.0", "24", "36", "0", "ts", "ne", "-", "55.5"])
LATER = st.sampled_from(["-", "8", "12/wash", "abs", "eq", "pres", "prog"])


@st.composite
def patients(draw):
    """Draw a few patients in short."""
    found = []
    for number in range(draw(st.integers(2, 4))):
        targets = [f"L{n} liver {20 + 10 * n} {draw(WORDS)} {draw(WORDS)}" for n in range(2)]
        other = f"T1 lung!n pres {draw(LATER)} {draw(LATER)}"
        new = f"N1 liver - {draw(LATER)} {draw(LATER)}"
        found.append(
            {
                "patient": f"P{number}",
                "lesions": "; ".join([*targets, other, new]),
                "visits": "0 60 120",
            }
        )
    return found


def frames(made):
    """Return the derived tables of an assessment."""
    made = dict(made)
    result = assess(made.pop("lesions"), **made)
    return {
        name: getattr(result, name) for name in ("selections", "responses", "outcomes", "events")
    }


def assert_same_tables(one, other):
    """Hold two sets of tables to each other."""
    for name, frame in one.items():
        pd.testing.assert_frame_equal(
            frame.reset_index(drop=True), other[name].reset_index(drop=True)
        )


@FEW
@given(patients(), st.integers(0, 1000))
def test_the_order_of_rows_changes_nothing(make_tables, drawn, seed):
    made = make_tables(drawn)
    mixed = {name: frame.sample(frac=1, random_state=seed) for name, frame in made.items()}
    assert_same_tables(frames(made), frames(mixed))


@FEW
@given(patients())
def test_splitting_the_table_by_subject_changes_nothing(make_tables, drawn):
    together = frames(make_tables(drawn))
    for patient in drawn:
        mine = {
            name: frame[frame["subject_id"] == patient["patient"]]
            for name, frame in together.items()
        }
        assert_same_tables(mine, frames(make_tables([patient])))


@FEW
@given(patients())
def test_a_lesion_that_was_never_measured_changes_no_response(make_tables, drawn):
    before = frames(make_tables(drawn))
    more = [{**p, "lesions": p["lesions"] + "; Z9 lung - abs abs"} for p in drawn]
    after = frames(make_tables(more))
    for name in ("responses", "outcomes", "events"):
        pd.testing.assert_frame_equal(before[name], after[name])


@FEW
@given(patients(), st.integers(2, 5))
def test_stretching_time_stretches_the_times_to_event(make_tables, drawn, factor):
    stretched = [{**p, "visits": f"0 {60 * factor} {120 * factor}"} for p in drawn]
    one, other = frames(make_tables(drawn))["events"], frames(make_tables(stretched))["events"]
    kept = one["endpoint"].isin(["PFS", "TTP", "hepatic_PFS"])
    assert (one.loc[kept, "days"] * factor).equals(other.loc[kept, "days"])
    assert one.loc[kept, "event"].equals(other.loc[kept, "event"])


DECIDING = (
    "sums",
    "response",
    "best_response",
    "endpoints",
    "targets",
    "new_lesion",
    "lesion_state",
    "new_growth",
    "immune",
    "attenuation",
    "depth",
    "progression",
    "exclusions",
    "visit_array",
)


@pytest.mark.parametrize("module", DECIDING)
def test_no_float_comparison_decides_a_category(module):
    path = Path(assessment.__file__).parent / f"{module}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    numbers = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    floats = [node for node in numbers if isinstance(node.value, float)]
    divisions = [node for node in ast.walk(tree) if isinstance(node, ast.Div)]
    assert not divisions
    allowed = {"lesion_state": {100.0, 0.0}}.get(module, set())  # uncertainties, in hundredths
    assert {node.value for node in floats} <= allowed


@pytest.mark.parametrize("name", ["value", "total", "baseline", "nadir"])
@pytest.mark.parametrize("criteria", ["mrecist", "easl", "vrecist", "choi"])
def test_what_is_compared_is_whole_numbers_in_every_unit(make_tables, criteria, name):
    lesions = "L1 liver 33.3/p=20.1/v=12.34/hu=60 20.1/p=10.7/v=3.21/hu=50.5"
    made = make_tables([{"patient": "P", "lesions": lesions, "visits": "0 60"}])
    columns = lesion_columns(made["lesions"])
    course = make_course(columns, made["timepoints"], made["subjects"])
    rules = Rules(load_criteria(criteria), PolicySet().values_for(criteria))
    reading = read_lesion_states(course, rules, select="given")
    part = assess_parts(reading)[0]
    found = {"value": reading.states.value, "nadir": part.found.nadir}.get(name)
    found = getattr(part.sums, name) if found is None else found
    assert found.dtype.kind == "i"


def test_sums_are_whole_numbers():
    value = np.array([[1000, 700], [500, 300]])
    sums = sum_targets(
        value, value == 0, np.array([True, True]), np.array([0, 2]), reappears_from=1000
    )
    assert sums.total.dtype == sums.baseline.dtype == np.int64
    assert sums.total.tolist() == [[1500, 1000]]
