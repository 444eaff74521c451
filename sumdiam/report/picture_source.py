"""Where the page has its pictures from: the page itself, or, where they are too many, beside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

EMBEDDED_MB = 25.0
"""Pictures of more than this stay in their folder: browsers open a page of 200 MB slowly, mail
refuses it."""


@dataclass(frozen=True, slots=True)
class PictureSource:
    """Pictures by name: bytes, or a path from the ``folder`` of the page."""

    folder: Path
    pictures: Mapping[str, bytes | str | Path]
    linked: bool = False

    def folders(self) -> list[str]:
        """Return the folders that linked pictures lie in."""
        if not self.linked:
            return []
        paths = [Path(one) for one in self.pictures.values() if not isinstance(one, bytes)]
        return sorted({path.parent.as_posix() for path in paths if not path.is_absolute()})

    def content(self, name: str) -> bytes:
        """Return a picture's bytes; none where there is no such picture, or no file any more."""
        picture = self.pictures.get(name)
        if picture is None or isinstance(picture, bytes):
            return picture or b""
        path = self.folder / picture
        return path.read_bytes() if path.is_file() else b""

    def source(self, name: str, content: bytes) -> str:
        """Return what an ``img`` of the page names; empty where there is no picture."""
        picture = self.pictures.get(name)
        if not content or picture is None:
            return ""
        if self.linked and not isinstance(picture, bytes) and not Path(picture).is_absolute():
            return quote(Path(picture).as_posix())
        return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def files_mb(folder: Path, *pictures: Mapping[str, bytes | str | Path]) -> float:
    """Return how large the files of pictures beside a page are in all; each counts once."""
    named = (one for some in pictures for one in some.values() if not isinstance(one, bytes))
    paths = {folder / one for one in named if not Path(one).is_absolute()}
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6
