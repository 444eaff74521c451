"""The box of a lesion, however its mask lies in memory."""

import itertools

import numpy as np
import pytest

from imaging.geometry import VolumeGeometry
from measurement.crop import MARGIN_PX, bounding_box, cropped
from measurement.diameter import longest_diameter
from measurement.outline import RegionError

SHAPE = (5, 20, 24)


def mask(*, columns=24):
    """A mask of one part that reaches the last row, and of one pixel far from it."""
    region = np.zeros((*SHAPE[:2], columns), dtype=bool)
    region[1:3, 15:20, 4:9] = True
    region[3, 2, columns - 1] = True
    return region


def otherwise(region):
    """The same pixels in other orders, behind other bytes, and not to be written."""
    apart = np.zeros((5, 40, 2 * region.shape[2]), dtype=bool)
    apart[:, ::2, ::2] = region
    fixed = region.copy()
    fixed.flags.writeable = False
    room = np.zeros(region.size + 1, dtype=bool)
    odd = room[1:].reshape(region.shape)
    odd[:] = region
    return {
        "as it is": region,
        "columns first": np.asfortranarray(region),
        "every other pixel": apart[:, ::2, ::2],
        "read only": fixed,
        "from an odd byte on": odd,
        "upside down": region[::-1][::-1],
    }


@pytest.mark.parametrize("columns", [24, 23])
def test_the_box_is_the_same_however_a_mask_lies_in_memory(columns):
    region = mask(columns=columns)
    expected = tuple(slice(int(k.min()), int(k.max()) + 1) for k in np.nonzero(region))
    for name, same in otherwise(region).items():
        assert bounding_box(same) == expected, name
        assert bounding_box(np.zeros_like(same)) == (slice(0, 0),) * 3, name


def test_both_parts_are_cut_out_with_their_margin_however_they_lie_in_memory():
    whole = mask()
    viable = whole.copy()
    viable[2, 16, 5] = False
    outside = viable.copy()
    outside[1, 14, 4] = True  # counts for nothing: not in the whole lesion
    box = bounding_box(whole)
    inner = (slice(None), slice(MARGIN_PX, -MARGIN_PX), slice(MARGIN_PX, -MARGIN_PX))
    pairs = itertools.product(otherwise(outside).values(), otherwise(whole).values())
    for one, other in pairs:
        first, second = cropped(one, other, box)
        assert first.sum() == viable.sum()
        assert second.sum() == whole.sum()
        assert (first[inner] == viable[box]).all()
        assert (second[inner] == whole[box]).all()


@pytest.mark.parametrize("columns", [24, 23])
@pytest.mark.parametrize("kind", ["int64", "int32", "uint8", "float64"])
def test_masks_of_zeros_and_ones_are_those_of_true_and_false(kind, columns):
    whole = np.zeros((2, 20, columns), dtype=bool)
    whole[1, 3:15, 10:20] = True
    viable = whole.copy()
    viable[1, 6:10, 12:16] = False
    grid = VolumeGeometry.upright(shape=whole.shape, spacing_mm=(1.0, 1.0, 1.0))
    for gap in (0.0, 5.0, np.inf):
        expected = longest_diameter(viable, whole, grid, gap_mm=gap)
        found = longest_diameter(viable.astype(kind), whole.astype(kind), grid, gap_mm=gap)
        assert found == expected
    box = bounding_box(whole)
    assert bounding_box(whole.astype(kind)) == box
    with pytest.raises(RegionError, match=f"whole lesion holds other values .*{kind}.*== label"):
        longest_diameter(viable, 2 * whole.astype(kind), grid, gap_mm=0.0)


def test_a_slice_that_repeats_another_changes_nothing():
    rng = np.random.default_rng(5)
    row, column = np.indices((40, 40))
    radius = np.hypot(row - 19.6, column - 20.3)
    rings = [(radius < 15) & (radius > hole) & (rng.random((40, 40)) < 0.98) for hole in (6, 7, 8)]
    plain, doubled = np.stack(rings), np.repeat(np.stack(rings), 3, axis=0)
    whole = np.stack([radius < 15] * 3)
    for gap in (0.0, 2.0, 5.0, np.inf):
        lengths = [
            longest_diameter(
                part,
                around,
                VolumeGeometry.upright(shape=part.shape, spacing_mm=(3.0, 0.8, 0.7)),
                gap_mm=gap,
            )
            for part, around in ((plain, whole), (doubled, np.repeat(whole, 3, axis=0)))
        ]
        assert lengths[0].length_mm == lengths[1].length_mm
        assert 3 * lengths[0].slice_index == lengths[1].slice_index  # the first of those alike
