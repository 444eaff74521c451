"""What assessment may drag in."""

import subprocess
import sys

HEAVY = ("pydicom", "SimpleITK", "skimage", "numba", "imaging", "stats", "sumdiam", "matplotlib")


def test_importing_assessment_loads_no_pixels():
    code = (
        "import sys, assessment; "
        f"print(','.join(name for name in {HEAVY!r} if name in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
