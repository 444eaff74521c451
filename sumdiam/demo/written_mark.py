"""A mark beside a demo's archive: that it is complete, and which one it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from sumdiam.demo.trial import TrialError
from sumdiam.export.table_file import written_whole

_MARK = "demo.json"


def is_written(out: Path, mark: Mapping[str, object]) -> bool:
    """Return whether this archive is there, complete; remove another one that we wrote.

    Raises
    ------
    TrialError
        If there is an archive that no demo has written.
    """
    path = out / _MARK
    if path.is_file():
        if json.loads(path.read_text(encoding="utf-8")) == mark:
            return True
        path.unlink()
        shutil.rmtree(out / "archive", ignore_errors=True)
    elif (out / "archive").exists():
        msg = f"{out / 'archive'} was not written by a demo: choose another folder with --out"
        raise TrialError(msg)
    return False


def mark_written(out: Path, mark: Mapping[str, object]) -> None:
    """Say that the archive is complete, and which one it is."""
    with written_whole(out / _MARK) as draft:
        draft.write_text(json.dumps(mark, sort_keys=True) + "\n", encoding="utf-8")
