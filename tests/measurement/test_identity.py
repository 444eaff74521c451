import pytest

from measurement.identity import lesion_id_from_mask, measurement_id

# printf 'S01\x1fauto\x1fL1\x1f0\x1fviable_diameter' | sha256sum
KNOWN = "eef88368934c6f6e"


def test_a_measurement_is_named_by_what_it_is_of():
    assert measurement_id("S01", "auto", "L1", 0, "viable_diameter") == KNOWN
    assert measurement_id("S01", "auto", "L1", 1, "viable_diameter") != KNOWN


def test_moving_a_character_between_ids_changes_the_name():
    assert measurement_id("S1", "1a", "L", 0, "q") != measurement_id("S11", "a", "L", 0, "q")


def test_an_id_with_the_separator_is_refused():
    with pytest.raises(ValueError, match="remove it"):
        measurement_id("S\x1f1", "auto", "L1", 0, "viable_diameter")


def test_a_lesion_that_nobody_named_is_named_by_its_first_mask():
    assert lesion_id_from_mask("1.2.3#4") == "L14e58433"  # printf '1.2.3#4' | sha256sum
