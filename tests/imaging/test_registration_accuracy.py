"""Native phases of planted lesions that lie elsewhere by a known law, in a real CT."""

import pytest


@pytest.mark.slow
@pytest.mark.shared
def test_displacements_in_a_real_liver_are_recovered_to_1_5_mm(shared_data):
    from benchmarks.planted_accuracy import cached_host
    from benchmarks.registration import run

    host = cached_host(shared_data / "hcc_tace_hcc048_portal")
    frame = run(host, 10, 77)
    aligned = frame[frame.how == "aligned"]
    assert (aligned.found == "aligned").all()
    assert (aligned.left == aligned.value).all()
    displaced = frame[frame.how != "aligned"]
    assert displaced.error.median() <= 1.5
    assert displaced.error.quantile(0.95) <= 3.0
    assert (displaced.error < displaced.apart).all()


@pytest.mark.slow
@pytest.mark.shared
def test_a_wave_of_a_real_liver_from_which_a_rotation_leads_astray_is_followed(shared_data):
    """The best rotation lies 7 mm off at the lesion; what bends about it stayed 3.9 mm off."""
    from benchmarks.planted_accuracy import Places, cached_host
    from benchmarks.registration import case, row_of

    host = cached_host(shared_data / "hcc_tace_hcc048_portal")
    row = row_of(case(43, host, Places(host), 7301, bare=False))
    assert row["how"] == "wave"
    assert row["apart"] > 4.5
    assert row["error"] <= 3.0
    assert row["error"] < row["residual"]
