"""Between the schedule and the store: what workers gave is kept, files first, then the ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, cast

from sumdiam.batch.cost import COST, cost_of
from sumdiam.batch.progress import Stage
from sumdiam.batch.schedule import Failure
from sumdiam.export.table_file import written_whole
from sumdiam.store.workspace import MeasuredStudy, Workspace


class RunJournal:
    """Keeps results in a workspace and their overlays in a folder.

    Overlays are written before the ledger says `done`: a run that is killed between the two
    measures the study again, and writes the same files.
    """

    def __init__(
        self,
        workspace: Workspace,
        overlays: Path,
        stage: Stage,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self._names = names or {}
        self._workspace = workspace
        self._overlays = overlays
        self._stage = stage

    def leased(self, study_uids: Sequence[str]) -> None:
        """Mark studies as being measured."""
        self._workspace.lease(study_uids)

    def finished(self, result: MeasuredStudy) -> None:
        """Write a study's overlays, then its rows and its end."""
        for name, data in sorted(result.overlays.items()):
            with written_whole(overlay_path(self._overlays, name)) as draft:
                draft.write_bytes(data)
        self._workspace.record_study(_with_archive_path(result, self._names))
        self._workspace.remember(COST, {result.study_uid: cost_of(result)}, alone=False)
        self._stage.advance()

    def failed(self, study_uid: str, failure: Failure) -> bool:
        """Count a failed attempt; return whether to try again."""
        state = self._workspace.record_failure(study_uid, failure.reason, notes=failure.notes)
        if state == "quarantined":
            self._stage.advance()
        return state != "quarantined"


def _with_archive_path(result: MeasuredStudy, names: Mapping[str, str]) -> MeasuredStudy:
    """Return a refusal that names its file as it lies in the archive, not by its bare name.

    A worker knows where a file lies on this machine, which is no part of a result.
    """
    file = getattr(result, "file", None)
    name = names.get(file or "", "")
    if not name or result.reason is None or name in result.reason:
        return result
    bare = Path(str(file)).name
    told = result.reason.replace(bare, name, 1)
    if bare not in result.reason:
        told = f"{result.reason} (file {name})"
    named: MeasuredStudy = replace(cast(Any, result), reason=told)
    return named


def overlay_path(folder: Path, name: str) -> Path:
    """Return where the overlay of this name lies.

    Raises
    ------
    ValueError
        If the name would lead out of the folder.
    """
    if PurePosixPath(name).name != name or name.startswith("."):
        msg = f"overlay name {name!r} is not a plain file name"
        raise ValueError(msg)
    return folder / (name if name.endswith(".png") else f"{name}.png")


def studies_without_overlays(folder: Path, sizes: Mapping[str, Mapping[str, int]]) -> set[str]:
    """Return the studies that are done but whose overlays are not all there and whole."""
    return {
        study_uid
        for study_uid, files in sizes.items()
        if any(_size(overlay_path(folder, name)) != size for name, size in files.items())
    }


def remove_other_overlays(folder: Path, names: Collection[str]) -> None:
    """Remove overlays of measurements that are no longer there, and drafts of killed runs."""
    wanted = {overlay_path(folder, name) for name in names}
    for path in sorted(folder.glob("*.png")) + sorted(folder.glob(".*.part")):
        if path not in wanted:
            path.unlink()


def _size(path: Path) -> int | None:
    """Return a file's size, None where there is no such file."""
    return path.stat().st_size if path.is_file() else None
