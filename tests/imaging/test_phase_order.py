"""What acquisitions of a study say of each other, held to a slow sum over all assignments."""

import dataclasses
import functools
import itertools

import numpy as np
import pytest

from imaging.phase import ARTERIAL, PHASES, THRESHOLD, SeriesFacts, guess_phases
from imaging.phase_order import Moment, _emission, _injections, _transition, study_weights
from imaging.phase_timing import possible, scan_density
from tests.imaging.phase_study import study

EQUAL = tuple([1 / 8] * 8)


def said(phase, weight=0.85):
    rest = (1 - weight) / 7
    return tuple(weight if p == phase else rest for p in PHASES)


def best(row):
    return PHASES[int(np.argmax(row))]


def test_weights_are_the_sum_over_all_assignments_and_times_of_the_injection():
    moments = [Moment(36000.0, said("native")), Moment(36100.0, EQUAL), Moment(None, EQUAL)]
    has = possible(modality="CT", gadoxetate=False)
    times = _injections(moments)
    seen = [_emission(m, times, has, modality="CT", gadoxetate=False) for m in moments]
    links = [_transition(a, b) for a, b in itertools.pairwise(moments)]
    expected = np.zeros((3, 8))
    for phases in itertools.product(range(8), repeat=3):
        for target in range(3):
            weight = np.ones(times.size)
            for k, p in enumerate(phases):
                weight = weight * seen[k][:, p] * (1.0 if k == target else moments[k].weights[p])
            for k in range(2):
                weight = weight * links[k][phases[k], phases[k + 1]]
            expected[target, phases[target]] += has[phases[target]] * weight.sum()
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        study_weights(moments, modality="CT", gadoxetate=False), expected, rtol=1e-9
    )


def test_the_density_of_each_phase_over_time_is_one():
    step = 0.25
    offsets = np.arange(-4000.0, 6000.0, step)
    density = scan_density(offsets, modality="MR", gadoxetate=True, span_s=10_000.0)
    total = density.sum(axis=0) * step
    for phase in ("native", *ARTERIAL, "portal_venous", "transitional", "hepatobiliary", "unknown"):
        assert total[PHASES.index(phase)] == pytest.approx(1.0, abs=0.01), phase
    assert total[PHASES.index("delayed")] == 0.0


def test_contrast_only_comes_later():
    moments = [Moment(None, EQUAL), Moment(None, said("late_arterial")), Moment(None, EQUAL)]
    rows = study_weights(moments, modality="CT", gadoxetate=False)
    before, after = rows[0], rows[2]
    assert best(before) == "native"
    assert after[PHASES.index("portal_venous")] > before[PHASES.index("portal_venous")]
    assert after[0] < before[0] / 2


def test_gaps_name_the_phase_after_an_arterial_one():
    start = Moment(36000.0, said("late_arterial"))
    for gap, expected in ((35.0, "portal_venous"), (200.0, "delayed")):
        rows = study_weights([start, Moment(36000.0 + gap, EQUAL)], modality="CT", gadoxetate=False)
        assert best(rows[1]) == expected


def test_after_gadoxetate_the_late_phases_are_transitional_and_hepatobiliary():
    moments = [
        Moment(36000.0, said("late_arterial")),
        Moment(36180.0, EQUAL),
        Moment(37200.0, EQUAL),
    ]
    rows = study_weights(moments, modality="MR", gadoxetate=True)
    assert [best(row) for row in rows[1:]] == ["transitional", "hepatobiliary"]
    assert rows[:, PHASES.index("delayed")].max() == 0.0


def test_one_acquisition_alone_is_told_nothing_by_others():
    rows = study_weights([Moment(36000.0, EQUAL)], modality="CT", gadoxetate=False)
    arterial = rows[0][1:3].sum()
    assert rows.shape == (1, 8)
    assert arterial < 0.5


def test_hundreds_of_acquisitions_do_not_underflow():
    moments = [Moment(36000.0 + 2 * k, said("late_arterial", 0.9)) for k in range(400)]
    rows = study_weights(moments, modality="MR", gadoxetate=False)
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(rows.sum(axis=1), 1.0)


def at(volume_id, text, time=None, number=None, **more):
    return SeriesFacts(
        volume_id, text, acquired_on="2024-03-01", acquisition_time=time,
        series_number=number, **more,
    )  # fmt: skip


def test_every_piece_of_evidence_is_a_distribution_and_their_product_the_probability():
    found = guess_phases(
        [at("a", "ARTERIAL", "101500", contrast_text="X"), at("p", "LIVER", "101535")]
    )
    for guess in found.values():
        product = np.ones(8)
        for one in guess.evidence:
            weights = np.array([one.weights[p] for p in PHASES])
            assert weights.sum() == pytest.approx(1.0)
            assert one.source in one.words()
            product *= np.maximum(weights, 0.01)
        product /= product.sum()
        assert guess.probability == pytest.approx(product[PHASES.index(guess.phase)], abs=1e-4)


def test_trigger_times_order_the_moments_of_one_mr_series():
    facts = [
        SeriesFacts(f"1.2#temporal={k}", "LAVA MULTIPHASE", modality="MR", acquired_on="2024-03-01",
                    acquisition_time="101500", temporal_position=k, trigger_time_ms=1000.0 * t)
        for k, t in enumerate((0, 80, 115, 290), start=1)
    ]  # fmt: skip
    facts.append(at("v", "PORTAL VENOUS", "101655", modality="MR"))
    found = guess_phases(facts)
    assert found["1.2#temporal=3"].phase == "portal_venous"
    assert found["1.2#temporal=4"].phase == "delayed"
    assert found["1.2#temporal=2"].phase == "unknown"  # by its time alone arterial: not enough
    assert "35 s before portal_venous" in found["1.2#temporal=2"].evidence[-1].text


def test_the_moments_of_a_perfusion_study_are_no_phases():
    facts = [
        SeriesFacts(f"1.2#temporal={k}", "LIVER", acquired_on="2024-03-01",
                    acquisition_time=f"1015{k:02d}", temporal_position=k)
        for k in range(40)
    ]  # fmt: skip
    assert {guess.phase for guess in guess_phases(facts).values()} == {"unknown"}


def test_volumes_of_one_time_that_name_different_phases_have_no_time():
    found = guess_phases([at("a", "ARTERIAL", "101500", 3), at("p", "VENOUS", "101500", 4)])
    assert (found["a"].phase, found["p"].phase) == ("late_arterial", "portal_venous")
    assert all("s after" not in e.text for e in found["p"].evidence)


def test_another_injection_on_the_same_day_is_another_session():
    found = guess_phases([at("p", "VENOUS", "081500", 2), at("n", "PRE CONTRAST", "143000", 5)])
    assert (found["p"].phase, found["n"].phase) == ("portal_venous", "native")


@functools.cache
def timed_study(number):
    return study(number, timed=True)


def without_times(facts):
    return [dataclasses.replace(one, acquisition_time=None) for one in facts]


def told(numbers, *, timed):
    """Counts of right, unknown and wrong volumes, and what was wrong."""
    right, unknown, wrong = 0, 0, []
    for number in numbers:
        facts, medians, truth = timed_study(number)
        found = guess_phases(facts if timed else without_times(facts), medians)
        for volume_id, phase in truth.items():
            right += found[volume_id].phase == phase
            unknown += found[volume_id].phase == "unknown"
            if found[volume_id].phase not in (phase, "unknown"):
                wrong.append((volume_id, phase, found[volume_id]))
    return right, unknown, wrong


@pytest.mark.parametrize("timed", [True, False])
def test_useless_words_leave_at_most_a_tenth_unknown_and_none_wrong(timed):
    right, unknown, wrong = told(range(1000, 1024), timed=timed)
    assert wrong == []
    assert unknown <= 0.1 * (right + unknown)


@pytest.mark.slow
@pytest.mark.parametrize("timed", [True, False])
def test_useless_words_in_many_studies_leave_a_tenth_unknown_and_none_wrong(timed):
    right, unknown, wrong = told(range(2000, 2200), timed=timed)
    assert wrong == []
    assert unknown <= 0.1 * (right + unknown)


def test_order_without_content_and_words_names_nothing():
    for number in range(1000, 1004):
        facts, _, _ = timed_study(number)
        found = guess_phases(without_times(facts))
        assert {guess.phase for guess in found.values()} == {"unknown"}
        assert all(guess.probability < THRESHOLD and guess.in_doubt for guess in found.values())
