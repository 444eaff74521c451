"""Frames of a multi-frame image, each with a header as if it were a file of its own.

highdicom reads such files too, but makes one volume of one file, and only of frames that already
form one; which frames do is what `imaging.series` has to find out, as for single-frame files.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.tag import BaseTag

from imaging import element
from imaging.header import InstanceHeader, parse_elements, walk_header
from imaging.header_field import WANTED, header_fields
from imaging.reason import ReasonedError

_SHARED, _PER_FRAME = 0x52009229, 0x52009230
_DIMENSIONS, _POINTER, _INDICES = 0x00209222, 0x00209165, 0x00209157
_AGENTS, _MEANING, _AGENT = 0x00180012, 0x00080104, 0x00180010
_MOST_FRAMES = 50_000

_GROUPS = (
    0x00209170,  # what a converted single-frame image had and the standard has no place for
    0x00209171,
    0x2005140F,  # Philips: what the single-frame image would have said
    0x00209111,  # frame content
    0x00209113,  # plane position
    0x00209116,  # plane orientation
    0x00289110,  # pixel measures
    0x00289145,  # pixel value transformation
    0x00209310,  # temporal position
    0x00189114,  # MR echo
    0x00189117,  # MR diffusion
    0x00189112,  # MR timing: flip angle
    0x00189115,  # MR modifier: inversion times
    0x00189118,  # cardiac synchronization: trigger delay
    0x00189226,  # MR, CT, PET frame type
    0x00189329,
    0x00189751,
    0x00189314,  # CT reconstruction: kernel
    0x00189325,  # CT X-ray details: kVp
    0x00189341,  # contrast bolus usage
)
"""Functional groups that are read; a later one wins where two have an element."""

_RENAMED = {
    0x00209156: 0x00200012,  # FrameAcquisitionNumber
    0x00189074: 0x0008002A,  # FrameAcquisitionDateTime
    0x00209128: 0x00200100,  # TemporalPositionIndex
    0x00189082: 0x00180081,  # EffectiveEchoTime
    0x00189079: 0x00180082,  # InversionTimes
    0x00209153: 0x00181060,  # NominalCardiacTriggerDelayTime
    0x00089007: 0x00080008,  # FrameType
}
"""Elements of frames, and the one of a single-frame image that says the same."""

_FRAME_ONLY = (0x00200032, 0x00200037, 0x00280030, 0x00281052, 0x00281053, 0x00281054)
"""Position, orientation, spacing and rescale count from a functional group alone; at the top level
of a multi-frame image they are remains of another object."""

_RESCALE = (0x00281052, 0x00281053)

Raws = dict[BaseTag, RawDataElement]

_OF_THE_FILE = {"number_of_frames", "sop_instance_uid"}

_SPATIAL = {0x00209056, 0x00209057, 0x00200032, 0x00200037, 0x00209113, 0x00209116}
"""Dimensions along which the slices of one volume differ."""


class FrameError(ReasonedError):
    """A multi-frame file whose frames cannot be told apart."""

    def __init__(self, reason_code: str, file: str, detail: str) -> None:
        super().__init__(reason_code, Path(file).name, detail)
        self.file = file

    def __reduce__(self) -> tuple[type[FrameError], tuple[str, str, str]]:
        return type(self), (self.reason_code, self.file, self.detail)


def read_frames(header: InstanceHeader) -> tuple[InstanceHeader, ...]:
    """Return one header for each frame of a multi-frame file, in the order of the frames.

    Parameters
    ----------
    header : of the file, as `imaging.header.read_header` returns it

    Raises
    ------
    FrameError
        ``frames_not_described`` where the functional groups do not describe every frame.
    HeaderError
        As `imaging.header.read_header`.

    Notes
    -----
    What a frame says wins over what all frames share (PS3.3 C.7.6.16), element by element.
    """

    def read(stream: BinaryIO, path: Path) -> tuple[InstanceHeader, ...]:
        dataset, _, _ = parse_elements(stream, path, [*WANTED, *_NEEDED])
        return tuple(_frames(dataset, header))

    return walk_header(header.file, read)


_NEEDED: list[BaseTag | int] = [BaseTag(tag) for tag in (_SHARED, _PER_FRAME, _DIMENSIONS, _AGENTS)]


def _frames(dataset: FileDataset, header: InstanceHeader) -> Iterator[InstanceHeader]:
    """Yield the header of each frame."""
    common = _top_level(dataset)  # first, as pydicom decodes some elements with a sequence
    frames = _items(dataset, _PER_FRAME)
    if not 0 < header.number_of_frames <= _MOST_FRAMES or len(frames) != header.number_of_frames:
        raise FrameError(
            "frames_not_described",
            header.file,
            f"NumberOfFrames is {header.number_of_frames}, {len(frames)} frames are described",
        )
    for item in _items(dataset, _SHARED):
        _lay_over(common, item)
    pointers = [_pointer(item) for item in _items(dataset, _DIMENSIONS)]
    for number, item in enumerate(frames, start=1):
        raws = dict(common)
        _lay_over(raws, item)
        own = FileDataset(header.file, raws, file_meta=dataset.file_meta)  # type: ignore[arg-type]
        fields = {k: v for k, v in header_fields(own).items() if k not in _OF_THE_FILE}
        yield dataclasses.replace(
            header, **fields, dimensions=_dimensions(item, pointers), frame_number=number
        )


def _top_level(dataset: FileDataset) -> Raws:
    """Return the elements that all frames have from the top level of the file."""
    common: Raws = {}  # a dataset would decode private elements that are put into it
    for tag in dataset.keys():  # noqa: SIM118 - iterating a dataset decodes its elements
        raw = element.raw_element(dataset, tag)
        if tag not in _FRAME_ONLY and raw is not None:
            common[tag] = raw
    agents = _items(dataset, _AGENTS)
    meaning = element.raw_element(agents[0], _MEANING) if agents else None
    if meaning is not None and _AGENT not in common:
        common[BaseTag(_AGENT)] = meaning._replace(tag=BaseTag(_AGENT))
    return common


def _lay_over(below: Raws, groups: Dataset) -> None:
    """Write the elements of functional groups over those that are there."""
    for group in _GROUPS:
        for item in _items(groups, group)[:1]:
            for tag in item.keys():  # noqa: SIM118
                raw = element.raw_element(item, tag) or _empty_rescale(item, tag)
                if raw is not None and raw.VR != "SQ":
                    named = _renamed(raw)
                    below[named.tag] = named
                    if named.tag == 0x0008002A:  # the moment of the frame, not of the file
                        below.pop(BaseTag(0x00080022), None)
                        below.pop(BaseTag(0x00080032), None)


def _empty_rescale(item: Dataset, tag: BaseTag) -> RawDataElement | None:
    """Return a rescale without a value, which pydicom has decoded; it must not pass for absent."""
    if tag not in _RESCALE or item[tag].value not in (None, ""):
        return None
    return RawDataElement(tag, "DS", 0, b"", 0, is_implicit_VR=False, is_little_endian=True)


def _renamed(raw: RawDataElement) -> RawDataElement:
    """Return an element under the name that it has in a single-frame image."""
    if raw.tag not in _RENAMED:
        return raw
    known = raw.VR or (dictionary_VR(raw.tag) if dictionary_has_tag(raw.tag) else None)
    return raw._replace(tag=BaseTag(_RENAMED[raw.tag]), VR=known)


def _items(dataset: Dataset, tag: int) -> Sequence[Dataset]:
    """Return the items of a sequence; none where it is absent or no sequence."""
    if tag not in dataset:
        return ()
    found: Any = dataset[tag].value
    return found if isinstance(found, Sequence) and not isinstance(found, str | bytes) else ()


def _pointer(item: Dataset) -> int | None:
    """Return the tag that a dimension points to."""
    raw = element.raw_bytes(item, _POINTER)
    found = element.raw_element(item, _POINTER)
    if found is None or len(raw) != 4:
        return None
    order = "little" if found.is_little_endian else "big"
    group = int.from_bytes(raw[:2], order)  # type: ignore[arg-type]
    return group << 16 | int.from_bytes(raw[2:], order)  # type: ignore[arg-type]


def _dimensions(item: Dataset, pointers: Sequence[int | None]) -> tuple[tuple[str, int], ...]:
    """Return a frame's indices along the dimensions that are not space."""
    content = _items(item, 0x00209111)
    values = element.decimals(content[0], _INDICES, count=len(pointers)) if content else None
    if values is None:
        return ()
    return tuple(
        (keyword_for_tag(tag) or f"{tag:08X}", int(value))
        for tag, value in zip(pointers, values, strict=True)
        if tag is not None and tag not in _SPATIAL
    )
