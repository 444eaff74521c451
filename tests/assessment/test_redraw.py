"""A trial read again: against the normal distribution, and against the assessment itself."""

from math import erf, sqrt

import numpy as np
import pandas as pd
import pytest

import assessment.redraw
from assessment import PolicyError, PolicySet, assess
from assessment.redraw import READ_AGAIN, redraw_outcomes

MEASURED = "measurement"
FIELDS = ("kept", "response", "control", "days", "event")


@pytest.fixture(name="redrawn", scope="module")
def _redrawn(make_tables):
    def draw(*lesions, visits="0 60", way=MEASURED, **options):
        patients = [
            {"patient": f"P{n:03}", "lesions": text, "visits": visits}
            for n, text in enumerate(lesions)
        ]
        return redraw_outcomes(**make_tables(patients), read_again=[way], **options)[way]

    return draw


def normal(z):
    return 0.5 * (1 + erf(z / sqrt(2)))


def monte_carlo(share, draws):
    return 4 * sqrt(share * (1 - share) / draws) + 1e-9


@pytest.mark.parametrize("sds", [-2.0, -1.0, -0.1, 0.5, 1.5])
def test_a_sum_some_sds_from_the_cut_off_responds_as_often_as_the_normal_distribution(redrawn, sds):
    # PR from 70.0 mm, lengths written in 0.1 mm: drawn below 70.05 they are PR
    follow_up, draws = 70.0 + 2.0 * sds, 4000
    found = redrawn(f"L1 liver 100/u=0 {follow_up:.1f}/u=2", draws=draws)
    expected = normal((70.05 - follow_up) / 2.0)
    assert found.response.mean() == pytest.approx(expected, abs=monte_carlo(expected, draws))
    assert found.control.all()
    assert (found.n_drawn, found.n_fixed) == (1, 0)


def test_errors_of_two_targets_and_of_the_baseline_add_as_squares(redrawn):
    # x1 + y1 <= 0.7 (x0 + y0): SD sqrt(1.2^2 + 0.9^2 + 0.49 x (1^2 + 1.5^2))
    found = redrawn("L1 liver 60/u=1 41/u=1.2; L2 liver 40/u=1.5 30/u=.9", draws=4000)
    spread = sqrt(1.2**2 + 0.9**2 + 0.49 * (1.0 + 1.5**2))
    expected = normal((70.0 - 71.0) / spread)
    assert found.response.mean() == pytest.approx(expected, abs=monte_carlo(expected, 4000) + 0.01)


def test_progression_comes_with_the_visit_at_which_the_drawn_sum_has_grown(redrawn):
    # PD from 120.0 mm; else it comes with the next visit; then there is no doubt
    found = redrawn("L1 liver 100/u=0 118/u=2 200/u=0", visits="0 60 120", draws=4000)
    early = normal((118.0 - 119.95) / 2.0)
    assert set(found.days.ravel()) == {60.0, 120.0}
    assert (found.days == 60).mean() == pytest.approx(early, abs=monte_carlo(early, 4000))
    assert found.event.all()
    # best response: SD only if it was not PD at once
    assert (found.control.ravel() == (found.days.ravel() == 120)).all()


def test_patients_err_apart_so_that_their_share_varies_as_a_binomial(redrawn):
    found = redrawn(*["L1 liver 100/u=0 70.05/u=2"] * 50, draws=2000)
    shares = found.response.mean(axis=1)
    p = shares.mean()
    assert shares.std() == pytest.approx(sqrt(p * (1 - p) / 50), rel=0.08)


@pytest.mark.parametrize(
    ("way", "policies"),
    [
        ("same_lesions", "doubt_from=measurement_and_reader"),
        ("own_lesions", "doubt_from=measurement_and_reader; reader_model=own_lesions"),
    ],
)
@pytest.mark.parametrize(
    "lesions",
    [
        "L1 liver 60/u=1 40/u=1; N1 node 20/un=.5 16/un=.5",
        "L1 liver 30/u=1 0",
        "L1 liver 50/u=1 5/u=1",
    ],
)
def test_other_readers_respond_as_often_as_the_probabilities_say(
    redrawn, short, lesions, way, policies
):
    told = short(lesions, "0 60", policies=policies).responses.iloc[1]
    found = redrawn(lesions, way=way, draws=2000).response.mean()
    assert found == pytest.approx(told["p_cr"] + told["p_pr"], abs=0.05)


@pytest.fixture(name="trial", scope="module")
def _trial(make_tables):
    """Patients of many courses, whose lengths have no uncertainty."""
    random = np.random.default_rng(7)
    patients = []
    for n in range(60):
        sizes = np.maximum(random.normal([60, 45, 40, 45, 60], 15), 0).round(1)
        lesions = f"L1 liver {' '.join(map(str, sizes))}; L2 lung 20 18 18 22 30"
        lesions += "; B1 bone - - - pres pres" * (n % 3 == 0) + "; E1 effusion pres - - - prog" * (
            n % 5 == 0
        )
        ends = (
            f"died={random.integers(100, 700)}" if n % 2 else f"alive={random.integers(200, 700)}"
        )
        patients.append(
            {"patient": f"P{n:03}", "lesions": lesions, "visits": "0 70 140 230 300", "subject": ends}
        )  # fmt: skip
    return make_tables([*patients, {"patient": "Z", "subject": "died=300"}])


@pytest.mark.parametrize(
    ("policies", "scheme", "criteria"),
    [
        (PolicySet("seed"), None, "mrecist"),
        (PolicySet("default"), "fda_strict", "recist_1_1"),
        (
            PolicySet("default", {"confirm": "on", "exclusions": "apply"}),
            "treatment_policy",
            "mrecist",
        ),
    ],
)
def test_without_uncertainty_every_draw_is_the_assessment(trial, policies, scheme, criteria):
    told = assess(**trial, policies=policies, scheme=scheme, criteria=[criteria])
    found = redraw_outcomes(
        **trial, policies=policies, scheme=scheme, criteria=criteria, read_again=[MEASURED], draws=3
    )[MEASURED]
    assert found.n_drawn == 0
    assert found.n_fixed > 400
    outcomes = told.outcomes.set_index("subject_id")
    events = told.events[told.events["endpoint"] == "PFS"].set_index("subject_id")
    assert 0.1 < outcomes["objective_response"].mean() < 0.9
    for draw in range(3):
        rows = pd.DataFrame({name: getattr(found, name)[draw] for name in FIELDS}, found.subject_id)
        rows = rows[rows.pop("kept")]
        assert rows.index.tolist() == outcomes.index.tolist()
        assert rows["response"].tolist() == outcomes["objective_response"].tolist()
        assert rows["control"].tolist() == outcomes["disease_control"].tolist()
        days = events["days"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        assert np.array_equal(rows["days"], days, equal_nan=True)
        assert rows["event"].tolist() == events["event"].fillna(value=False).tolist()


def with_uncertainty(trial):
    lesions = trial["lesions"]
    lengths = [name for name in lesions if name.endswith("_diameter_mm")]
    own = {f"u_{name.removesuffix('_mm')}": lesions[name] * 0 + 2.0 for name in lengths}
    return {**trial, "lesions": lesions.assign(**own)}


def test_the_seed_fixes_all_draws_and_more_draws_keep_the_first(trial, monkeypatch):
    given = with_uncertainty(trial)
    first = redraw_outcomes(**given, draws=20)
    again = {**given, "lesions": given["lesions"].sample(frac=1, random_state=3)}
    monkeypatch.setattr(assessment.redraw, "CELLS_AT_ONCE", 1)  # one draw after the other
    more = redraw_outcomes(**again, draws=25)
    other = redraw_outcomes(**given, draws=20, seed=1)
    assert list(first) == list(READ_AGAIN)
    for way in READ_AGAIN:
        for name in FIELDS:
            one = getattr(first[way], name)
            assert np.array_equal(one, getattr(more[way], name)[:20], equal_nan=name == "days")
        assert not np.array_equal(first[way].response, other[way].response)
        assert len(np.unique(first[way].response, axis=0)) > 10


def test_what_cannot_be_redrawn_is_refused(trial):
    two = pd.concat([trial["lesions"], trial["lesions"].assign(reader="B")], ignore_index=True)
    with pytest.raises(PolicyError, match="several readers"):
        redraw_outcomes(**{**trial, "lesions": two})
    with pytest.raises(PolicyError, match="confirmed at later visits"):
        redraw_outcomes(**trial, criteria="irecist")
    with pytest.raises(PolicyError, match="0 draws"):
        redraw_outcomes(**trial, draws=0)
    with pytest.raises(PolicyError, match="twice: give one draw or more, and of measurement"):
        redraw_outcomes(**trial, read_again=["twice"])
