"""What a run remembers of the contents of volumes, so that their pixels are not read again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from imaging.phase_content import OrganMedians
from imaging.series import ImageSeries
from sumdiam.batch.code_version import code_version

UNREAD = "unreadable"
"""What the digest of a file starts with that could not be read."""


@dataclass(slots=True)
class ContentMemory:
    """Evidence by a key that changes with the files, the masks and the code it comes from.

    Parameters
    ----------
    known : mapping
        What an earlier run kept, by key, as JSON.

    Attributes
    ----------
    used : what this run asked for or found: all that is to be kept
    """

    known: Mapping[str, str] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)

    def recall(self, key: str | None) -> tuple[bool, OrganMedians | None]:
        """Return whether the content is known, and what it is: None where no organ was found."""
        written = self.known.get(key or "")
        if key is None or written is None:
            return False, None
        self.used[key] = written
        held = json.loads(written)
        return True, None if held is None else OrganMedians(**held)

    def keep(self, key: str | None, content: OrganMedians | None) -> None:
        """Remember what was found."""
        if key is not None:
            self.used[key] = json.dumps(None if content is None else asdict(content))


def content_key(
    series: ImageSeries,
    masks: Iterable[tuple[str, Mapping[str, str]]],
    digests: Mapping[str, str],
) -> str | None:
    """Return the digest of all that the content of a volume comes from.

    Parameters
    ----------
    masks : (path, row of masks.csv) of the organs that are looked for in it
    digests : SHA-256 of files by path

    Returns
    -------
    str or None
        None where a file has no digest: nothing is remembered then.
    """
    slices = [digests.get(header.file, UNREAD) for header in series.headers]
    drawn = [
        [digests.get(path, UNREAD), row["mask_id"], row["segment"], row["mask_role"]]
        for path, row in masks
    ]
    if any(digest.startswith(UNREAD) for digest in (*slices, *(one[0] for one in drawn))):
        return None
    written = json.dumps([code_version(), series.volume_id, slices, sorted(drawn)])
    return hashlib.sha256(written.encode()).hexdigest()
