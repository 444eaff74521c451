"""Cases: how files are written, and in which transfer syntax."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
from pydicom import Dataset, uid
from pydicom.encaps import encapsulate

from tests.imaging.awkward import writer as w
from tests.imaging.awkward.answer import Answer, case, flag, load, refuse, volume

READ = "no preamble, wrong VR, no extension, big endian, deflated, RLE, JPEG lossless, JPEG-LS, JPEG 2000, HTJ2K"
REFUSED = "JPEG baseline 8-bit, retired .53 / .55, lossy marked"
Encoder = Callable[[np.ndarray], bytes]


def compressed(name: str, syntax: str, encode: Encoder, folder: Path, **elements: object) -> None:
    """Write a CT series whose frames one encoder made."""
    slices = w.make(name, **elements)
    for d in slices:
        stored = np.frombuffer(d.PixelData, "<u2").reshape(w.ROWS, w.COLUMNS)
        d.PixelData = encapsulate([encode(stored)])
        d["PixelData"].VR = "OB"
        d["PixelData"].is_undefined_length = True
    w.write(slices, folder, syntax)


@case(READ)
def plain(folder: Path) -> Answer:
    w.write(w.make("plain"), folder)
    return load(volume())


@case(READ)
def no_extension(folder: Path) -> Answer:
    w.write(w.make("no_extension"), folder, suffix="")
    return load(volume())


@case(READ)
def no_preamble(folder: Path) -> Answer:
    for path in w.write(w.make("no_preamble"), folder, uid.ImplicitVRLittleEndian):
        raw = path.read_bytes()
        length = int.from_bytes(raw[140:144], "little")
        path.write_bytes(raw[144 + length :])  # the bare data set, as old archives store it
    return load(volume())


@case(READ)
def no_preamble_with_meta(folder: Path) -> Answer:
    for path in w.write(w.make("no_preamble_with_meta"), folder):
        path.write_bytes(path.read_bytes()[132:])
    return load(volume())


@case(READ)
def wrong_vr(folder: Path) -> Answer:
    for path in w.write(w.make("wrong_vr"), folder):
        raw = path.read_bytes()
        for tag, right, wrong in (
            (b"\x20\x00\x32\x00", b"DS", b"LO"),
            (b"\x28\x00\x30\x00", b"DS", b"SH"),
            (b"\x28\x00\x53\x10", b"DS", b"ST"),
            (b"\x20\x00\x13\x00", b"IS", b"CS"),
        ):
            assert tag + right in raw
            raw = raw.replace(tag + right, tag + wrong)
        path.write_bytes(raw)
    return load(volume())


@case(READ)
def known_elements_as_unknown(folder: Path) -> Answer:
    """An anonymiser copied them as UN, as PS3.5 6.2.2 allows."""
    for path in w.write(w.make("unknown"), folder):
        raw = path.read_bytes()
        for tag, vr in (
            (0x00200032, b"DS"), (0x00280010, b"US"), (0x00280011, b"US"), (0x00280030, b"DS"),
            (0x00280101, b"US"), (0x00281052, b"DS"), (0x00281053, b"DS"),
        ):  # fmt: skip
            head = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
            at = raw.index(head + vr)
            length = raw[at + 6 : at + 8]
            raw = raw[:at] + head + b"UN\0\0" + length + b"\0\0" + raw[at + 8 :]
        path.write_bytes(raw)
    return load(volume())


@case(READ)
def private_sequences_of_undefined_length(folder: Path) -> Answer:
    """With elements inside that have the tags of the image's own."""
    slices = w.make("privateseq")
    for d in slices:
        inner = Dataset()
        inner.ImagePositionPatient, inner.PixelSpacing = [1, 2, 3], [9, 9]
        inner.RescaleSlope, inner.Rows = 7, 3
        inner.is_undefined_length_sequence_item = True
        block = d.private_block(0x0019, "REFERENCE", create=True)
        block.add_new(0x01, "SQ", [inner])
        d[0x0019, 0x1001].is_undefined_length = True
        d.ReferencedImageSequence = [inner]
        d["ReferencedImageSequence"].is_undefined_length = True
    w.write(slices, folder)
    return load(volume())


@case(READ)
def preamble_of_another_format(folder: Path) -> Answer:
    """A file that is also a TIFF, as PS3.10 7.1 allows."""
    for path in w.write(w.make("tiff"), folder):
        path.write_bytes(b"II*\0" + bytes([8, 0, 0, 0]) + b"\1" * 120 + path.read_bytes()[128:])
    return load(volume())


@case(READ)
def implicit_vr(folder: Path) -> Answer:
    w.write(w.make("implicit_vr"), folder, uid.ImplicitVRLittleEndian)
    return load(volume())


@case(READ)
def meta_names_the_wrong_vr_coding(folder: Path) -> Answer:
    """The data set is implicit, the file meta information says explicit."""
    for path in w.write(w.make("wrong_meta"), folder, uid.ImplicitVRLittleEndian):
        raw = path.read_bytes()
        head = raw[: raw.index(b"\x08\x00\x05\x00") if b"\x08\x00\x05\x00" in raw[:600] else 600]
        implicit, explicit = b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.2.1\0"
        assert implicit in head
        at = raw.index(implicit)
        raw = raw[: at - 2] + b"\x14\0" + explicit + raw[at + len(implicit) :]
        group = int.from_bytes(raw[140:144], "little") + 2
        path.write_bytes(raw[:140] + group.to_bytes(4, "little") + raw[144:])
    return load(volume())


@case(READ)
def big_endian(folder: Path) -> Answer:
    w.write(w.make("big_endian"), folder, uid.ExplicitVRBigEndian)
    return load(volume())


@case(READ)
def deflated(folder: Path) -> Answer:
    w.write(w.make("deflated"), folder, uid.DeflatedExplicitVRLittleEndian)
    return load(volume())


@case(READ)
def run_length(folder: Path) -> Answer:
    slices = w.make("rle")
    paths = w.write(slices, folder)
    for d, path in zip(slices, paths, strict=True):
        d.compress(uid.RLELossless, generate_instance_uid=False)
        d.save_as(path, enforce_file_format=True)
    return load(volume())


def _jpeg_lossless(predictor: int) -> Encoder:
    """Return an encoder for JPEG process 14 with one of its seven predictors (libjpeg-turbo)."""
    return lambda stored: imagecodecs.jpeg_encode(
        stored, lossless=True, predictor=predictor, bitspersample=12
    )


@case(READ)
def jpeg_lossless_first_order(folder: Path) -> Answer:
    compressed("sv1", uid.JPEGLosslessSV1, _jpeg_lossless(1), folder)
    return load(volume())


@case(READ)
def jpeg_lossless_any_order(folder: Path) -> Answer:
    compressed("p14", uid.JPEGLossless, _jpeg_lossless(5), folder)
    return load(volume())


@case(READ)
def jpeg_ls(folder: Path) -> Answer:
    compressed("jls", uid.JPEGLSLossless, imagecodecs.jpegls_encode, folder)
    return load(volume())


@case(READ)
def jpeg_2000(folder: Path) -> Answer:
    compressed("j2k", uid.JPEG2000Lossless, _j2k, folder)
    return load(volume())


def _j2k(stored: np.ndarray) -> bytes:
    """Return a lossless JPEG 2000 code stream."""
    return imagecodecs.jpeg2k_encode(
        stored, level=0, codecformat="J2K", reversible=True, bitspersample=12, resolutions=2
    )


def _htj2k(stored: np.ndarray) -> bytes:
    """Return a lossless high-throughput JPEG 2000 code stream (OpenJPH)."""
    return imagecodecs.htj2k_encode(stored, reversible=True, resolutions=2)


@case(READ)
def high_throughput_jpeg_2000(folder: Path) -> Answer:
    compressed("ht", uid.HTJ2KLossless, _htj2k, folder)
    return load(volume())


@case(READ)
def high_throughput_jpeg_2000_in_the_general_syntax(folder: Path) -> Answer:
    compressed("ht203", uid.HTJ2K, _htj2k, folder)
    return flag(volume(), codes=["lossy_compressed"])  # .203 does not say that it is lossless


@case(READ)
def encapsulated_uncompressed(folder: Path) -> Answer:
    compressed("encaps", "1.2.840.10008.1.2.1.98", lambda a: a.tobytes(), folder)
    return load(volume())


@case(READ)
def deflated_frames(folder: Path) -> Answer:
    def encode(stored: np.ndarray) -> bytes:
        deflate = zlib.compressobj(wbits=-15)
        return deflate.compress(stored.tobytes()) + deflate.flush()

    other = b"1.2.840.10008.1.2.1.98"
    compressed("deflated_frames", other.decode(), encode, folder)
    for path in folder.iterdir():  # pydicom does not write the syntax that it does not know
        path.write_bytes(path.read_bytes().replace(other, b"1.2.840.10008.1.2.8.1\0", 1))
    return load(volume())


@case(READ)
def fragments_without_an_offset_table(folder: Path) -> Answer:
    slices = w.make("fragments")
    for d in slices:
        stored = np.frombuffer(d.PixelData, "<u2").reshape(w.ROWS, w.COLUMNS)
        d.PixelData = encapsulate([_j2k(stored)], fragments_per_frame=3, has_bot=False)
        d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
    w.write(slices, folder, uid.JPEG2000Lossless)
    return load(volume())


@case(REFUSED)
def jpeg_ls_near_lossless(folder: Path) -> Answer:
    compressed(
        "jlsn", uid.JPEGLSNearLossless, lambda a: imagecodecs.jpegls_encode(a, level=2), folder
    )
    return flag(volume(value_off=2.0), codes=["lossy_compressed"])


@case(REFUSED)
def jpeg_2000_lossy(folder: Path) -> Answer:
    def encode(stored: np.ndarray) -> bytes:
        return imagecodecs.jpeg2k_encode(
            stored, level=80, codecformat="J2K", reversible=False, bitspersample=12, resolutions=2
        )

    compressed("j2kl", uid.JPEG2000, encode, folder, LossyImageCompression="01")
    return flag(volume(value_off=6.0), codes=["lossy_compressed"])


@case(REFUSED)
def jpeg_extended_12_bit(folder: Path) -> Answer:
    def encode(stored: np.ndarray) -> bytes:
        return imagecodecs.jpeg_encode(stored, level=100, bitspersample=12, lossless=False)

    compressed("j12", uid.JPEGExtended12Bit, encode, folder, LossyImageCompression="01")
    return flag(volume(value_off=6.0), codes=["lossy_compressed"])


@case(REFUSED)
def jpeg_baseline_8_bit(folder: Path) -> Answer:
    def encode(stored: np.ndarray) -> bytes:
        return imagecodecs.jpeg8_encode((stored >> 4).astype(np.uint8), level=95)

    compressed(
        "j8", uid.JPEGBaseline8Bit, encode, folder, BitsAllocated=8, BitsStored=8, HighBit=7,
        RescaleSlope=16,
    )  # fmt: skip
    coarse = [volume(value_off=40.0)]
    return refuse("transfer_syntax_refused", culprit="i000.dcm", harmless=coarse)


def _retired(folder: Path, syntax: str) -> Answer:
    compressed("retired", syntax, _jpeg_lossless(1), folder)
    return refuse("transfer_syntax_refused", culprit="i000.dcm", harmless=[volume()])


@case(REFUSED)
def retired_53(folder: Path) -> Answer:
    return _retired(folder, "1.2.840.10008.1.2.4.53")


@case(REFUSED)
def retired_55(folder: Path) -> Answer:
    return _retired(folder, "1.2.840.10008.1.2.4.55")


@case(REFUSED)
def marked_as_lossy_though_uncompressed(folder: Path) -> Answer:
    w.write(w.make("marked", LossyImageCompression="01"), folder)
    return flag(volume(), codes=["lossy_compressed"])


@case(READ)
def an_icon_with_pixels_of_its_own(folder: Path) -> Answer:
    slices = w.make("icon")
    for d in slices:
        icon = Dataset()
        icon.Rows, icon.Columns, icon.SamplesPerPixel = 4, 4, 1
        icon.PhotometricInterpretation, icon.PixelRepresentation = "MONOCHROME2", 0
        icon.BitsAllocated, icon.BitsStored, icon.HighBit = 8, 8, 7
        icon.PixelData = bytes(16)
        icon["PixelData"].VR = "OB"
        d.IconImageSequence = [icon]
    w.write(slices, folder)
    return load(volume())


@case(READ)
def pixel_data_followed_by_padding(folder: Path) -> Answer:
    slices = w.make("trailing")
    for d in slices:
        d.PixelData += bytes(64)
        d.DataSetTrailingPadding = bytes(20)
    w.write(slices, folder)
    return load(volume())


@case(READ)
def text_in_another_character_set(folder: Path) -> Answer:
    slices = w.make("text")
    for d in slices:
        d.SpecificCharacterSet = "ISO_IR 192"
        d.SeriesDescription = "Foie artériel 動脈相"
    w.write(slices, folder)
    return load(volume())


@case(READ)
def transfer_syntaxes_that_differ_between_slices(folder: Path) -> Answer:
    slices = w.make("mixed_syntax")
    w.write(slices[:3], folder)
    w.write(copy.deepcopy(slices[3:5]), folder, uid.ImplicitVRLittleEndian, start=3)
    w.write(slices[5:], folder, uid.ExplicitVRBigEndian, start=5)
    return load(volume())
