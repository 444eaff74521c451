"""Lesions planted in a real scan."""

import numpy as np
import pandas as pd
import pytest
from pydicom import dcmread

from sumdiam.demo.real import RealSeriesError, read_series, write_planted
from sumdiam.demo.trial import load_real_subject


def test_at_least_twelve_lesions_half_with_necrosis_at_cnr_2_to_4():
    subject = load_real_subject()
    first = [look.shape for _, look in subject.lesions_at(0)]
    assert len(first) >= 12
    assert sum(shape in {"ring", "crescent", "islands"} for shape in first) >= len(first) / 2
    assert all(2 <= lesion.cnr <= 4 for lesion in subject.lesions)
    assert subject.phases_at(0) == ("native", "late_arterial")
    assert len(subject.visits) == 3


def test_a_folder_without_a_ct_is_refused_with_the_remedy(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(RealSeriesError, match=r"no CT series among 1 files\. Give the folder"):
        read_series(tmp_path)
    with pytest.raises(RealSeriesError, match="no CT series among 0 files"):
        read_series(tmp_path / "absent")


@pytest.mark.shared
@pytest.mark.slow
def test_a_real_scan_becomes_a_subject_with_known_answers(shared_data, tmp_path):
    planted = write_planted(shared_data / "hcc_tace_hcc048_portal", tmp_path)
    studies = sorted((tmp_path / "SIM-REAL").iterdir())
    assert len(studies) == 3
    phases = ("native", "late_arterial")
    images = {
        phase: np.stack(
            [dcmread(f).pixel_array.astype(int) for f in sorted((studies[0] / phase).iterdir())]
        )
        for phase in phases
    }
    assert images["native"].shape == (89, 512, 512)
    # one scan used twice would subtract to nothing: here only noise of the stated size is left
    rise = (images["late_arterial"] - images["native"])[40:50, 230:280, 230:280]
    assert rise.std() == pytest.approx(np.sqrt(2) * planted.added_sd_hu, rel=0.15)
    viable = planted.truth.measurements.query("quantity == 'viable_diameter'")
    assert len(viable) == 39
    by_hand = {"liver-01": [25, 20, 16], "liver-12": [16, 0, 0]}
    for lesion, lengths in by_hand.items():
        found = viable[viable["lesion_id"] == lesion].sort_values("timepoint")["value_mm"]
        assert found.tolist() == pytest.approx(lengths, abs=0.001)
    sums = viable[viable["lesion_id"].isin(["liver-01", "liver-02"])].groupby("timepoint")
    assert sums["value_mm"].sum().tolist() == pytest.approx([49, 38, 30], abs=0.01)
    assert planted.truth.responses["overall_response"].tolist() == ["SD", "PR"]
    assert "cancels in a subtraction" in planted.noise_sentence()
    assert isinstance(planted.truth.events, pd.DataFrame)
