"""Cases: enhanced and legacy-converted multi-frame images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from pydicom import Dataset, uid
from pydicom.encaps import encapsulate

from tests.imaging.awkward import writer as w
from tests.imaging.awkward.answer import Answer, Expected, case, flag, load, refuse, volume
from tests.imaging.awkward.enhanced import Frame, multiframe, stack

ENHANCED = "enhanced multi-frame CT and MR, also temporal"


def _mixed(one: list[Frame], two: list[Frame]) -> list[Frame]:
    """Return frames of two volumes in turn."""
    return [frame for pair in zip(one, two, strict=True) for frame in pair]


@case(ENHANCED)
def enhanced_ct(folder: Path) -> Answer:
    w.write([multiframe("ect", stack())], folder)
    return load(volume())


@case(ENHANCED)
def enhanced_ct_from_head_to_feet(folder: Path) -> Answer:
    w.write([multiframe("ectdown", stack()[::-1])], folder)
    return load(volume())


@case(ENHANCED)
def enhanced_ct_frames_in_disorder(folder: Path) -> Answer:
    frames = stack()
    w.write([multiframe("ectmess", [frames[k] for k in (3, 0, 5, 2, 1, 4)])], folder)
    return load(volume())


@case(ENHANCED)
def enhanced_ct_implicit_vr(folder: Path) -> Answer:
    w.write([multiframe("ectimpl", stack())], folder, uid.ImplicitVRLittleEndian)
    return load(volume())


@case(ENHANCED)
def enhanced_ct_big_endian(folder: Path) -> Answer:
    w.write([multiframe("ectbig", stack())], folder, uid.ExplicitVRBigEndian)
    return load(volume())


@case(ENHANCED)
def enhanced_ct_deflated(folder: Path) -> Answer:
    w.write([multiframe("ectdefl", stack())], folder, uid.DeflatedExplicitVRLittleEndian)
    return load(volume())


@case(ENHANCED)
def enhanced_ct_run_length(folder: Path) -> Answer:
    file = multiframe("ectrle", stack())
    (path,) = w.write([file], folder)
    file.compress(uid.RLELossless, generate_instance_uid=False)
    file.save_as(path, enforce_file_format=True)
    return load(volume())


@case(ENHANCED)
def enhanced_ct_jpeg_2000(folder: Path) -> Answer:
    frames = stack()
    file = multiframe("ectj2k", frames)
    file.PixelData = encapsulate(
        [
            imagecodecs.jpeg2k_encode(
                frame.words.astype(np.uint16), level=0, codecformat="J2K", reversible=True,
                bitspersample=12, resolutions=2,
            )
            for frame in frames
        ],
        has_bot=False,
    )  # fmt: skip
    file["PixelData"].VR, file["PixelData"].is_undefined_length = "OB", True
    w.write([file], folder, uid.JPEG2000Lossless)
    return load(volume())


@case(ENHANCED)
def enhanced_ct_tilted(folder: Path) -> Answer:
    orientation = (1.0, 0, 0, 0, 0.939692621, -0.342020143)
    frames = stack(orientation=orientation)
    for k, frame in enumerate(frames):
        frame.position = w.place(k, step=(0, 0, 5.0))
    w.write([multiframe("ecttilt", frames)], folder)
    return flag(volume(step=(0, 0, 5.0), orientation=orientation), codes=["gantry_tilt"])


@case(ENHANCED)
def enhanced_ct_in_three_files(folder: Path) -> Answer:
    frames = stack()
    parts = [_part("concat", frames[2 * n : 2 * n + 2], n, 3) for n in range(3)]
    w.write(parts, folder)
    return load(volume())


def _part(name: str, frames: list[Frame], n: int, of: int) -> Any:
    """Return one file of a concatenation."""
    return multiframe(
        name, frames, number=n + 1, ConcatenationUID=f"{w.ROOT}.55", InConcatenationNumber=n + 1,
        InConcatenationTotalNumber=of, ConcatenationFrameOffsetNumber=2 * n,
    )  # fmt: skip


@case(ENHANCED)
def enhanced_ct_of_which_a_file_is_missing(folder: Path) -> Answer:
    """The last file: no gap would tell."""
    frames = stack()
    w.write([_part("concatgone", frames[2 * n : 2 * n + 2], n, 3) for n in range(2)], folder)
    return refuse("concatenation_incomplete")


@case(ENHANCED)
def enhanced_ct_rescale_of_its_own_for_each_frame(folder: Path) -> Answer:
    frames, values = stack(), w.words(6).astype(np.float64)
    for k, frame in enumerate(frames):
        frame.groups["PixelValueTransformationSequence"] = {
            "RescaleSlope": 1 + k, "RescaleIntercept": -1000 + k, "RescaleType": "HU",
        }  # fmt: skip
        values[k] = values[k] * (1 + k) - 1000 + k
    w.write([multiframe("ectslope", frames, rescale=None)], folder)
    return load(Expected(values, w.affine()))


@case(ENHANCED)
def enhanced_ct_temporal(folder: Path) -> Answer:
    one = stack(content={"TemporalPositionIndex": 1}, index=(1,))
    two = stack(volume=1, content={"TemporalPositionIndex": 2}, index=(2,))
    w.write([multiframe("ect4d", _mixed(one, two), pointers=["TemporalPositionIndex"])], folder)
    return load(volume(), volume(6, 1))


@case(ENHANCED)
def enhanced_mr(folder: Path) -> Answer:
    w.write([multiframe("emr", stack(), kind="MR", rescale=(2.5, 4))], folder)
    return load(Expected(w.words(6) * 2.5 + 4, w.affine()))


@case(ENHANCED)
def enhanced_mr_temporal(folder: Path) -> Answer:
    frames = []
    for v in range(3):
        frames += stack(volume=v, content={"TemporalPositionIndex": v + 1}, index=(v + 1,))
    file = multiframe("emr4d", frames, kind="MR", pointers=["TemporalPositionIndex"], rescale=None)
    w.write([file], folder)
    return load(*(volume(6, v, intercept=0) for v in range(3)))


def _mr(name: str, folder: Path, one: dict[str, Any], two: dict[str, Any]) -> Answer:
    """Write an enhanced MR of two volumes whose frames differ in one functional group."""
    frames = _mixed(stack(groups=one), stack(volume=1, groups=two))
    w.write([multiframe(name, frames, kind="MR", rescale=None)], folder)
    return load(volume(intercept=0), volume(6, 1, intercept=0))


@case(ENHANCED)
def enhanced_mr_echoes(folder: Path) -> Answer:
    return _mr(
        "emrecho", folder, {"MREchoSequence": {"EffectiveEchoTime": 2.4}},
        {"MREchoSequence": {"EffectiveEchoTime": 4.8}},
    )  # fmt: skip


@case(ENHANCED)
def enhanced_mr_b_values(folder: Path) -> Answer:
    return _mr(
        "emrb", folder, {"MRDiffusionSequence": {"DiffusionBValue": 0.0}},
        {"MRDiffusionSequence": {"DiffusionBValue": 800.0}},
    )  # fmt: skip


@case(ENHANCED)
def enhanced_mr_before_and_after_contrast(folder: Path) -> Answer:
    return _mr(
        "emrcontrast", folder,
        {"ContrastBolusUsageSequence": {"ContrastBolusAgentPhase": "PRE_CONTRAST"}},
        {"ContrastBolusUsageSequence": {"ContrastBolusAgentPhase": "POST_CONTRAST"}},
    )  # fmt: skip


@case(ENHANCED)
def enhanced_mr_magnitude_and_phase(folder: Path) -> Answer:
    return _mr(
        "emrphase", folder, {"MRImageFrameTypeSequence": {"ComplexImageComponent": "MAGNITUDE"}},
        {"MRImageFrameTypeSequence": {"ComplexImageComponent": "PHASE"}},
    )  # fmt: skip


@case(ENHANCED)
def enhanced_mr_told_by_a_dimension_alone(folder: Path) -> Answer:
    frames = _mixed(stack(index=(1,)), stack(volume=1, index=(2,)))
    file = multiframe(
        "emrdim", frames, kind="MR", rescale=None, pointers=["ContrastBolusAgentNumber"]
    )
    w.write([file], folder)
    return load(volume(intercept=0), volume(6, 1, intercept=0))


@case("Philips MR scale factors that differ between phases")
def enhanced_philips_scale_that_differs(folder: Path) -> Answer:
    frames = []
    for v in range(2):
        frames += stack(
            volume=v, content={"TemporalPositionIndex": v + 1},
            groups={"PixelValueTransformationSequence": {
                "RescaleSlope": 2, "RescaleIntercept": 0, "RescaleType": "US",
            }},
        )  # fmt: skip
    file = multiframe("emrscale", frames, kind="MR", rescale=None)
    for k, groups in enumerate(file.PerFrameFunctionalGroupsSequence):
        inner = Dataset()
        inner.private_block(0x2005, "Philips MR Imaging DD 001", create=True).add_new(
            0x0E, "FL", 0.01 + 0.02 * (k > 5)
        )
        groups.add_new(0x20050014, "LO", "Philips MR Imaging DD 005")
        groups.add_new(0x2005140F, "SQ", [inner])
    w.write([file], folder)
    return flag(
        Expected(w.words(6) * 2.0, w.affine(), alternative=w.words(6) / 0.01),
        Expected(w.words(6, 1) * 2.0, w.affine(), alternative=w.words(6, 1) / 0.03),
        codes=["scale_factors_differ"],
    )  # fmt: skip


@case(ENHANCED)
def enhanced_mr_of_two_stacks(folder: Path) -> Answer:
    orientation, step = (1.0, 0, 0, 0, 0, -1.0), (0, 3.0, 0)
    coronal = stack(volume=1, orientation=orientation, content={"StackID": "2"})
    for k, frame in enumerate(coronal):
        frame.position = w.place(k, step=step)
    frames = [*stack(), *coronal]
    file = multiframe("emrstacks", frames, kind="MR", rescale=None, shared_orientation=False)
    w.write([file], folder)
    return load(volume(intercept=0), volume(6, 1, intercept=0, step=step, orientation=orientation))


@case(ENHANCED)
def enhanced_mr_that_nothing_tells_apart(folder: Path) -> Answer:
    frames = _mixed(stack(), stack(volume=1))
    w.write([multiframe("emrsame", frames, kind="MR", rescale=None)], folder)
    return refuse("ambiguous_positions")


@case(ENHANCED)
def enhanced_ct_with_a_missing_frame(folder: Path) -> Answer:
    frames = stack(8)
    del frames[3]
    w.write([multiframe("ectgap", frames)], folder)
    return refuse("missing_slice")


@case(ENHANCED)
def enhanced_ct_without_a_position(folder: Path) -> Answer:
    file = multiframe("ectnopos", stack())
    del file.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence
    w.write([file], folder)
    return refuse("no_position", culprit="i000.dcm")


@case(ENHANCED)
def enhanced_ct_without_pixel_spacing(folder: Path) -> Answer:
    file = multiframe("ectnomm", stack(), ImagerPixelSpacing=[0.7, 0.8])
    del file.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    w.write([file], folder)
    return refuse("no_pixel_spacing", culprit="i000.dcm")


@case(ENHANCED)
def enhanced_ct_without_rescale(folder: Path) -> Answer:
    w.write([multiframe("ectraw", stack(), rescale=None)], folder)
    return refuse("no_rescale", culprit="i000.dcm")


@case(ENHANCED)
def enhanced_ct_whose_frames_are_not_all_described(folder: Path) -> Answer:
    file = multiframe("ectfew", stack())
    file.PerFrameFunctionalGroupsSequence.pop()
    w.write([file], folder)
    return refuse("frames_not_described", culprit="i000.dcm")


@case(ENHANCED)
def enhanced_ct_cut(folder: Path) -> Answer:
    (path,) = w.write([multiframe("ectcut", stack())], folder)
    path.write_bytes(path.read_bytes()[:-400])
    return refuse("truncated_pixel_data", culprit="i000.dcm")


@case(ENHANCED)
def enhanced_ct_with_a_localizer_frame(folder: Path) -> Answer:
    frames = stack(7)
    for frame in frames[:6]:
        frame.groups["CTImageFrameTypeSequence"] = {"FrameType": ["ORIGINAL", "PRIMARY", "VOLUME"]}
    frames[6].groups["CTImageFrameTypeSequence"] = {"FrameType": ["DERIVED", "PRIMARY", "MIP"]}
    w.write([multiframe("ectmip", frames)], folder)
    return load(volume(), left_out=["projection"])


@case(ENHANCED)
def legacy_converted_ct(folder: Path) -> Answer:
    frames = stack(groups={"UnassignedPerFrameConvertedAttributesSequence": {"InstanceNumber": 1}})
    w.write([multiframe("lct", frames, kind="legacy CT")], folder)
    return load(volume())


@case(ENHANCED)
def legacy_converted_mr_of_two_echoes(folder: Path) -> Answer:
    """What tells them apart is among the attributes that the converter could not assign."""
    group = "UnassignedPerFrameConvertedAttributesSequence"
    one = stack(groups={group: {"EchoNumbers": 1, "EchoTime": 2.4}})
    two = stack(volume=1, groups={group: {"EchoNumbers": 2, "EchoTime": 4.8}})
    w.write([multiframe("lmr", [*one, *two], kind="legacy MR", rescale=None)], folder)
    return load(volume(intercept=0), volume(6, 1, intercept=0))


@case("PET for completeness")
def enhanced_pet(folder: Path) -> Answer:
    frames, values = stack(), w.words(6).astype(np.float64)
    for k, frame in enumerate(frames):
        frame.groups["PixelValueTransformationSequence"] = {
            "RescaleSlope": 0.5 + k, "RescaleIntercept": 0, "RescaleType": "US",
        }  # fmt: skip
        values[k] *= 0.5 + k
    w.write([multiframe("epet", frames, kind="PT", rescale=None)], folder)
    return load(Expected(values, w.affine()))


@case(ENHANCED)
def several_frames_in_a_class_of_single_slices(folder: Path) -> Answer:
    (d,) = w.make("oldmulti", 1, NumberOfFrames=6)
    d.PixelData = w.words(6).astype("<u2").tobytes()
    w.write([d], folder)
    return refuse("frames_not_described", culprit="i000.dcm")
