"""Refusals say in words what is wrong with a file, and quote nothing of it."""

import errno
import gzip
import zlib

import pydicom
import pytest

from imaging.exception_word import exception_words
from imaging.geometry import VolumeGeometry
from imaging.mask import MaskError
from imaging.mask_file import read_mask_identities, read_masks
from tests.imaging.awkward_mask import writer as w

GRID = w.Grid()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(errno.EACCES, "Doe^Jane"), "Permission denied"),
        (gzip.BadGzipFile("Doe^Jane"), "what should be packed by gzip is not"),
        (zlib.error("Doe^Jane"), "what is packed in it cannot be unpacked"),
        (UnicodeDecodeError("utf-8", b"Doe", 0, 1, "Doe"), "a text in it is in no known script"),
        (KeyError("Doe^Jane"), "a part that others refer to is missing"),
        (ValueError("Doe^Jane"), "a value in it cannot be meant"),
        (AttributeError("Doe^Jane"), "a part of it is missing"),
        (LookupError("Doe^Jane"), "reading it failed (LookupError)"),
    ],
)
def test_an_exception_is_told_in_words_without_its_text(error, words):
    assert exception_words(error) == words


def test_a_missing_attribute_is_named():
    with pytest.raises(AttributeError) as caught:
        _ = pydicom.Dataset().PixelData
    assert exception_words(caught.value) == "PixelData is missing"


def test_damaged_masks_say_in_words_what_is_wrong(tmp_path):
    path = w.write_nifti(tmp_path / "m.nii.gz", w.filled(GRID.shape, {(1, 1, 1)}), sform=GRID.ras())
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(MaskError, match=r"m\.nii\.gz.*it ends too early"):
        read_mask_identities(path)
    seg = tmp_path / "seg.dcm"
    made = w.segmentation(w.ct_slices(GRID), w.filled(GRID.shape, {(1, 1, 1)}).astype("u1"))
    del made.PerFrameFunctionalGroupsSequence
    w.save(made, seg)
    grid = VolumeGeometry(GRID.affine(), GRID.shape, w.FRAME)
    with pytest.raises(MaskError, match=r"seg\.dcm") as caught:
        read_masks(seg, grid)
    assert "Error" not in caught.value.detail
