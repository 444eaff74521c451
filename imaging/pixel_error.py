"""What is raised where the pixel data of a file cannot be read for what they are."""

from __future__ import annotations

from pathlib import Path

from imaging.reason import ReasonedError


class PixelError(ReasonedError):
    """Pixel data that cannot be read for what they are."""

    def __init__(self, reason_code: str, file: str, detail: str) -> None:
        super().__init__(reason_code, Path(file).name, detail)
        self.file = file

    def __reduce__(self) -> tuple[type[PixelError], tuple[str, str, str]]:
        return type(self), (self.reason_code, self.file, self.detail)
