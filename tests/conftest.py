"""What all tests share: where real data are."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data; absent outside CI means skip, in CI it is an error."""
    folder = Path(os.environ.get("SUMDIAM_SHARED", ROOT / ".." / "shared")) / "data"
    if folder.is_dir():
        return folder.resolve()
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI needs the real data at {folder}; set SUMDIAM_SHARED")
    pytest.skip(f"no real data at {folder}; set SUMDIAM_SHARED to the folder that holds data/")
