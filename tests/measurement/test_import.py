import subprocess
import sys


def test_reading_the_lesion_table_imports_no_pixels():
    code = (
        "import sys, measurement.lesion_table\n"
        "heavy = {'numba', 'skimage', 'SimpleITK', 'pydicom'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_found():
    import measurement

    for name in measurement.__all__:
        assert getattr(measurement, name) is not None


def test_an_unknown_name_is_refused_by_name():
    import pytest

    import measurement

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = measurement.nothing
