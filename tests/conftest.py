"""What all tests share: where real data are."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent

# Started in the background by a shell, a process ignores Ctrl-C; several tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# In CI the same examples every time, so that a change is judged by itself; new ones elsewhere.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI") == "true":
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data; absent outside CI means skip, in CI it is an error."""
    folder = Path(os.environ.get("SUMDIAM_SHARED", ROOT / ".." / "shared")) / "data"
    if folder.is_dir():
        return folder.resolve()
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI needs the real data at {folder}; set SUMDIAM_SHARED")
    pytest.skip(f"no real data at {folder}; set SUMDIAM_SHARED to the folder that holds data/")
