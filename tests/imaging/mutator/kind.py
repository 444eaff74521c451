"""What a kind of change is, and how the datasets of a series are edited."""

from __future__ import annotations

import io
import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pydicom
from pydicom import Dataset

from tests.imaging.mutator.base import Files

Family = Literal["harmless", "structural", "value", "bytes"]
Change = Callable[[Files, random.Random], None]


@dataclass(frozen=True)
class Kind:
    """A change of a series' files, in place.

    ``harmless`` must load as if nothing had happened; ``structural`` must not, unless ``unseen``
    says why no reader can tell (of the series ``only_on``, if given); ``value`` and ``bytes`` must load as the bytes then say.
    """

    name: str
    family: Family
    change: Change
    multiframe: bool
    unseen: str = ""
    only_on: frozenset[str] = frozenset()

    def unseen_of(self, base: str) -> bool:
        """Return whether no reader can tell the change of this series."""
        return bool(self.unseen) and (not self.only_on or base in self.only_on)


def register(
    into: list[Kind], family: Family, *, multiframe: bool = False, unseen: str = ""
) -> Callable[[Change], Change]:
    """Put a change into a list of kinds, under its own name."""

    def put(change: Change) -> Change:
        into.append(Kind(change.__name__, family, change, multiframe, unseen))
        return change

    return put


def parsed(data: bytes) -> Dataset:
    """Return a file's dataset."""
    return pydicom.dcmread(io.BytesIO(data))


def written(d: Dataset) -> bytes:
    """Return a dataset as a file, in the coding it came in."""
    stream = io.BytesIO()
    d.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def edit(files: Files, names: list[str] | str, change: Callable[[Dataset], None]) -> None:
    """Change the datasets of some files."""
    for name in [names] if isinstance(names, str) else names:
        d = parsed(files[name])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values that pydicom warns of are what is wanted
            change(d)
            files[name] = written(d)


def renamed(d: Dataset, mark: str = ".77") -> None:
    """Give an instance a name of its own."""
    d.SOPInstanceUID += mark
    d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID


def inner(files: Files, rng: random.Random) -> str:
    """Return a slice that is neither first nor last."""
    return rng.choice(sorted(files)[1:-1])


def end(files: Files, rng: random.Random) -> str:
    """Return the first or the last slice."""
    return rng.choice([sorted(files)[0], sorted(files)[-1]])
