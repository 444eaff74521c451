"""Reading one header: what is accepted, decoded, refused."""

import hashlib
import os
import time

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from imaging.header import HeaderError, file_digest, read_header


def refused(path):
    with pytest.raises(HeaderError) as caught:
        read_header(path)
    return caught.value.reason_code


def test_values_are_plain_and_spacing_is_rows_then_columns(slices):
    (path,) = slices.save(slices.make(1))
    header = read_header(path)
    assert header.pixel_spacing == (0.7, 0.8)
    assert header.position == (-10.0, -20.0, 30.0)
    assert (header.rows, header.columns) == (4, 6)
    assert (header.rescale_slope, header.rescale_intercept) == (1.0, -1024.0)
    assert header.pixel_offset + header.pixel_length == path.stat().st_size
    assert not header.truncated


def test_implicit_big_endian_and_deflated_headers_say_the_same(slices):
    (one,) = slices.make(1)
    plain = read_header(slices.save([one])[0])
    for syntax in (ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian):
        other = read_header(slices.save([one], syntax)[0])
        for name in ("position", "pixel_spacing", "rows", "columns", "bits_stored", "signed",
                     "image_type", "study_uid", "instance_number", "rescale_intercept"):  # fmt: skip
            assert getattr(other, name) == getattr(plain, name)
        assert other.transfer_syntax == syntax


@pytest.mark.parametrize("implicit", [True, False])
def test_a_file_without_preamble_is_read_where_it_is_dicom(slices, tmp_path, implicit):
    (one,) = slices.make(1)
    path = tmp_path / "raw"
    one.save_as(path, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
    header = read_header(path)
    assert not header.has_preamble
    assert header.position == (-10.0, -20.0, 30.0)
    assert header.pixel_offset + 48 == path.stat().st_size


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"hello, this is a text\n" * 30, bytes(2000), b"%PDF-1.7" + bytes(300)]
)
def test_what_is_not_dicom_is_refused(tmp_path, content):
    path = tmp_path / "f"
    path.write_bytes(content)
    assert refused(path) == "not_dicom"


@pytest.mark.parametrize(
    ("begin", "code"),
    [
        (b"", "not_dicom"),
        (bytes(128) + b"DICM", "unreadable_dicom"),
        (b"\x08\x00\x05\x00CS\x00\x00", "not_dicom"),
        # an item of undefined length in a sequence of undefined length: nothing but empty elements
        (bytes(128) + b"DICM\x08\x00\x40\x11SQ\0\0" + b"\xff" * 4 + b"\xfe\xff\x00\xe0" + b"\xff" * 4,
         "unreadable_dicom"),
    ],
)  # fmt: skip
def test_gigabytes_of_zeros_are_refused_within_seconds(tmp_path, begin, code):
    path = tmp_path / "f"
    with path.open("wb") as stream:
        stream.write(begin)
        stream.truncate(3 << 30)
    before = time.process_time()
    assert refused(path) == code
    assert time.process_time() - before < 20


def test_a_missing_file_and_a_folder_are_unreadable(tmp_path):
    assert refused(tmp_path / "absent") == "unreadable_file"
    assert refused(tmp_path) == "unreadable_file"


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == "unreadable_file"


def test_text_outside_ascii_is_decoded_by_the_character_set(slices):
    (one,) = slices.make(1, SeriesDescription="Phase artérielle")
    one.SpecificCharacterSet = "ISO_IR 192"
    assert read_header(slices.save([one])[0]).series_description == "Phase artérielle"


@pytest.mark.parametrize("named", [b"ISO_IR 100", b"ISO_IR 6", b"GARBAGE_XX"])
def test_a_wrong_character_set_does_not_stop_the_reading(slices, named):
    (one,) = slices.make(1, SeriesDescription="Phase X ", SpecificCharacterSet="ISO_IR 100")
    (path,) = slices.save([one])
    raw = (
        path.read_bytes().replace(b"Phase X", b"Phase \xe9").replace(b"ISO_IR 100", named.ljust(10))
    )
    path.write_bytes(raw)
    assert read_header(path).series_description == "Phase é"


def test_the_subject_of_the_trial_is_read_and_no_name(slices):
    (one,) = slices.make(1, ClinicalTrialSubjectID="S-007", PatientName="Doe^Jane")
    header = read_header(slices.save([one])[0])
    assert header.clinical_trial_subject_id == "S-007"
    assert "Doe" not in repr(header)


def test_date_and_time_come_from_the_acquisition_datetime_where_alone(slices):
    (one,) = slices.make(1)
    del one.AcquisitionDate, one.AcquisitionTime
    one.AcquisitionDateTime = "20240302101530.250000+0100"
    header = read_header(slices.save([one])[0])
    assert (header.acquisition_date, header.acquisition_time) == ("20240302", "101530.250000")


@pytest.mark.parametrize(
    ("creator_tag", "creator", "tag", "vr", "value"),
    [
        (0x00190010, "SIEMENS MR HEADER", 0x0019100C, "IS", "800"),
        (0x00430010, "GEMS_PARM_01", 0x00431039, "IS", ["1000000800", "8", "0", "0"]),
        (0x00189087, None, 0x00189087, "FD", 800.0),
    ],
)
def test_the_b_value_is_read_where_each_maker_writes_it(
    slices, creator_tag, creator, tag, vr, value
):
    (one,) = slices.make(1, modality="MR")
    if creator:
        one.add_new(creator_tag, "LO", creator)
    one.add_new(tag, vr, value)
    assert read_header(slices.save([one])[0]).b_value == 800


def test_a_private_number_of_another_maker_is_no_b_value(slices):
    (one,) = slices.make(1, modality="MR")
    one.add_new(0x00190010, "LO", "ACME")
    one.add_new(0x0019100C, "IS", "800")
    assert read_header(slices.save([one])[0]).b_value is None


def test_the_digest_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    assert file_digest(path) == hashlib.sha256(b"abc").hexdigest()
