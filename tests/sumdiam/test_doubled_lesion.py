"""Two lesions at one place: how much they share, on one grid and on two."""

import math

import numpy as np
import pytest

from imaging.geometry import VolumeGeometry
from sumdiam.batch.doubled_lesion import DrawnLesion, refuse_doubled
from sumdiam.batch.study_image import StudyRefusedError
from sumdiam.batch.study_task import MaskTask

FINE = VolumeGeometry.upright(
    shape=(60, 60, 60), spacing_mm=(1.0, 1.0, 1.0), frame_of_reference_uid="1.2"
)
COARSE = VolumeGeometry.upright(
    shape=(20, 40, 40), spacing_mm=(3.0, 1.5, 1.5), origin_mm=(0.3, -0.4, 0.2), frame_of_reference_uid="1.2"
)  # fmt: skip


def ball(lesion, geometry, centre_mm, radius_mm=10.0, **cells):
    index = np.indices(geometry.shape).reshape(3, -1).T
    apart = np.linalg.norm(geometry.index_to_patient(index) - np.array(centre_mm), axis=1)
    facts = {"mask_id": f"{lesion}#1", "path": f"/a/{lesion}.dcm", "segment": 1,
             "role": "lesion_whole", "lesion_id": lesion, "organ": "", "site": "", "node": "none",
             "reader": "auto", "volume_id": str(id(geometry))} | cells  # fmt: skip
    return DrawnLesion(MaskTask(**facts), np.flatnonzero(apart <= radius_mm), geometry)


def shared_of_balls(radius_mm, apart_mm):
    """Share of one of two equal balls that lies in the other: the lens of two spheres."""
    lens = math.pi * (4 * radius_mm + apart_mm) * (2 * radius_mm - apart_mm) ** 2 / 12
    return lens / (4 / 3 * math.pi * radius_mm**3)


@pytest.mark.parametrize("grid", [FINE, COARSE])
@pytest.mark.parametrize("apart_mm", [0.0, 3.0, 6.0, 8.0, 12.0, 25.0])
def test_more_than_half_in_common_is_one_lesion(grid, apart_mm):
    lesions = [ball("A", FINE, (25, 30, 30)), ball("B", grid, (25 + apart_mm, 30, 30))]
    # balls of one size share a half where their centres are 0.69 radii apart
    if apart_mm < 20 and shared_of_balls(10.0, apart_mm) > 0.5:
        with pytest.raises(StudyRefusedError) as caught:
            refuse_doubled(lesions)
        assert caught.value.code == "doubled_mask"
        assert "A and B" in caught.value.detail
    else:
        refuse_doubled(lesions)


def test_a_small_one_inside_a_large_one_is_found_whichever_is_on_the_coarse_grid():
    for first, second in ((FINE, COARSE), (COARSE, FINE)):
        lesions = [ball("A", first, (30, 30, 30), 15.0), ball("B", second, (33, 30, 30), 6.0)]
        with pytest.raises(StudyRefusedError, match="doubled_mask"):
            refuse_doubled(lesions)


def test_a_viable_part_under_another_id_is_refused_and_says_how_to_join_the_two():
    whole = ball("A", FINE, (30, 30, 30), 15.0)
    for grid in (FINE, COARSE):
        part = ball("B", grid, (33, 30, 30), 9.0, role="lesion_viable")
        with pytest.raises(StudyRefusedError) as caught:
            refuse_doubled([whole, part])
        assert "(lesion_whole and lesion_viable) share 100 %" in caught.value.detail
        assert "write the same lesion_id into both rows of masks.csv" in caught.value.detail
    refuse_doubled([whole, ball("A", FINE, (33, 30, 30), 9.0, role="lesion_viable")])
    refuse_doubled([whole, ball("B", FINE, (50, 30, 30), 9.0, role="lesion_viable")])


def test_other_readers_and_frames_of_reference_are_no_doubles():
    one = ball("A", FINE, (30, 30, 30))
    elsewhere = VolumeGeometry(COARSE.affine, COARSE.shape, "9.9")
    assert refuse_doubled([one, ball("B", COARSE, (30, 30, 30), reader="R2")]) is None
    assert refuse_doubled([one, ball("A", COARSE, (30, 30, 30))]) is None
    assert refuse_doubled([one, ball("B", elsewhere, (30, 30, 30))]) is None
    assert refuse_doubled([one, ball("B", COARSE, (30, 30, 30), 0.0)]) is None
    assert refuse_doubled([one, ball("B", COARSE, (900, 30, 30))]) is None
