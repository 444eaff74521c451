"""Archives of real DICOM files: what is found, refused, passed over, and attributed."""

import os
import shutil

import pydicom
import pytest

from sumdiam.archive.folder import ArchiveError
from sumdiam.archive.scan import ScanOptions, scan_archives
from sumdiam.archive.subject import study_subjects


def test_a_clean_archive_is_read_without_a_problem(pristine):
    catalogue = scan_archives([pristine])
    assert len(catalogue.series) == 6
    assert len(catalogue.masks) == 3
    assert len(catalogue.studies()) == 3
    assert catalogue.problems == ()
    assert catalogue.left_out == ()
    assert len(catalogue.digests) == catalogue.files_found == catalogue.dicom_files == 39
    owners = study_subjects(catalogue)
    assert sorted(owners.subjects.values()) == ["S01", "S01", "S02"]


def test_an_archive_handed_in_twice_is_read_once(pristine):
    once = scan_archives([pristine])
    twice = scan_archives([pristine / "S01", pristine, pristine / "S02" / "t0"])
    assert [one.volume_id for one in twice.series] == [one.volume_id for one in once.series]
    assert twice.files_found == 39


def test_progress_counts_every_file(pristine):
    seen: list[tuple[int, int]] = []
    scan_archives([pristine], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, 39) for number in range(1, 40)]


def test_a_folder_without_dicom_is_named_with_its_remedy(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(ArchiveError, match=r"no DICOM file.*Check the path"):
        scan_archives([tmp_path])
    with pytest.raises(ArchiveError, match=r"absent: there is no such folder"):
        scan_archives([tmp_path / "absent"])


def test_a_folder_without_dicom_beside_a_good_one_is_listed(archive, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    catalogue = scan_archives([archive, empty])
    [problem] = catalogue.problems
    assert (problem.code, problem.where) == ("no_dicom", str(empty))
    assert len(catalogue.series) == 6


def test_what_is_no_dicom_is_passed_over_with_its_reason(archive):
    (archive / "readme").write_text("Simulated.\n")
    (archive / ".DS_Store").write_bytes(b"\x00\x01Bud1")
    (archive / "Thumbs.db").write_bytes(b"\xd0\xcf")
    (archive / "more.zip").write_bytes(b"PK\x03\x04")
    (archive / "S01" / "packed").write_bytes(b"\x1f\x8b\x08")
    os.mkfifo(archive / "pipe")
    (archive / "loop").symlink_to(archive)
    (archive / "outside.dcm").symlink_to("/etc/hostname")
    catalogue = scan_archives([archive])
    assert {(item.file, item.reason_code) for item in catalogue.left_out} == {
        ("readme", "not_dicom"),
        (".DS_Store", "not_dicom"),
        ("Thumbs.db", "not_dicom"),
        ("more.zip", "archive_format_not_read"),
        ("S01/packed", "archive_format_not_read"),
        ("pipe", "special_file"),
        ("loop", "symlink_not_followed"),
        ("outside.dcm", "symlink_not_followed"),
    }
    assert catalogue.refused_files == ()
    assert len(catalogue.series) == 6


def test_a_deep_folder_is_walked(archive):
    deep = archive / "S02" / "deep"
    for _ in range(300):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "note.txt").write_text("x")
    assert len(scan_archives([archive]).series) == 6


def test_a_localizer_and_an_identical_copy_are_left_out(archive, edit_file):
    copy = archive / "S01" / "t0" / "native" / "copy.dcm"
    copy.write_bytes((copy.parent / "00.dcm").read_bytes())
    scout = archive / "S01" / "t0" / "scout.dcm"
    scout.write_bytes((copy.parent / "00.dcm").read_bytes())
    edit_file(
        scout,
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
        SOPInstanceUID="1.2.3",
        SeriesInstanceUID="1.2.4",
    )
    catalogue = scan_archives([archive])
    assert [(item.file, item.reason_code) for item in catalogue.left_out] == [
        ("S01/t0/native/copy.dcm", "duplicate"),
        ("S01/t0/scout.dcm", "localizer"),
    ]
    assert len(catalogue.series) == 6


DAMAGE = [
    # what is done to a file, reason code
    (lambda raw: b"", "empty_file"),
    (lambda raw: raw[:180], "unreadable_dicom"),
    (lambda raw: b"\x00" * len(raw), "damaged_file"),
    (lambda raw: bytes(255 - byte for byte in raw), "damaged_file"),
    (lambda raw: b"<html>404 not found</html>", "damaged_file"),
]


@pytest.mark.parametrize(("damage", "code"), DAMAGE)
@pytest.mark.parametrize("name", ["late_arterial/03.dcm", "seg.dcm"])
def test_a_corrupt_file_is_named_and_ascribed_to_the_study_around_it(
    archive, damage, code, name, study_uid
):
    victim = archive / "S01" / "t0" / name
    uid = study_uid(victim.parent)
    victim.write_bytes(damage(victim.read_bytes()))
    catalogue = scan_archives([archive])
    [refused] = catalogue.refused_files
    assert refused.file == f"S01/t0/{name}"
    assert refused.reason_code == code
    assert (refused.study_uid, refused.certain) == (uid, True)
    [problem] = [one for one in catalogue.problems if one.where == refused.file]
    assert problem.refused
    assert "Fetch" in problem.sentence


@pytest.mark.parametrize(
    ("keyword", "level"),
    [
        ("SOPInstanceUID", "SOP instance"),
        ("SeriesInstanceUID", "series"),
        ("StudyInstanceUID", "study"),
    ],
)
def test_a_file_whose_uids_were_emptied_is_not_called_damaged(archive, edit_file, keyword, level):
    edit_file(archive / "S01" / "t0" / "late_arterial" / "03.dcm", **{keyword: ""})
    catalogue = scan_archives([archive])
    [refused] = catalogue.refused_files
    assert (refused.reason_code, refused.detail) == ("no_uids", f"without a UID of {level}")
    [problem] = [one for one in catalogue.problems if one.where == refused.file]
    assert "de-identified" in problem.sentence


def test_a_study_all_of_whose_files_are_corrupt_takes_no_other_study_with_it(archive):
    for file in (archive / "S01" / "t1").rglob("*.dcm"):
        file.write_bytes(b"\x00" * 2000)
    catalogue = scan_archives([archive])
    assert len(catalogue.refused_files) == 13
    assert not any(file.certain for file in catalogue.refused_files)
    assert len(catalogue.series) == 4


def test_a_flat_folder_of_several_studies_ascribes_by_what_the_bytes_still_say(archive):
    flat = archive / "flat"
    flat.mkdir()
    files = sorted(file for file in archive.rglob("*.dcm"))
    for number, file in enumerate(files):
        file.rename(flat / f"{number:03d}.dcm")
    victim = flat / "003.dcm"
    uid = str(pydicom.dcmread(victim).StudyInstanceUID)
    raw = victim.read_bytes()
    victim.write_bytes(b"\x00" * 400 + raw[400:])
    [refused] = scan_archives([archive]).refused_files
    assert (refused.study_uid, refused.certain) == (uid, True)


def test_two_subjects_in_one_series_are_refused_in_the_study_of_most_of_its_slices(
    archive, edit_file, study_uid
):
    victim = archive / "S01" / "t0" / "late_arterial" / "00.dcm"
    uid = study_uid(archive / "S01" / "t0")
    edit_file(victim, PatientID="OTHER", StudyInstanceUID=study_uid(archive / "S02" / "t0"))
    catalogue = scan_archives([archive])
    [refused] = catalogue.refused_series
    assert refused.reason_code == "mixed_patients"
    assert refused.study_uid == uid
    assert refused.other_studies == ()  # one slice strayed; the study it names has all of its own
    [problem] = catalogue.problems
    assert problem.refused
    assert uid in problem.where


def test_two_studies_under_one_series_uid_are_both_named(archive, edit_file, study_uid):
    uids = [study_uid(archive / "S01" / visit) for visit in ("t0", "t1")]
    [one] = {
        pydicom.dcmread(file).SeriesInstanceUID
        for file in (archive / "S01" / "t0" / "native").iterdir()
    }
    for file in sorted((archive / "S01" / "t1" / "native").iterdir())[:5]:
        edit_file(file, SeriesInstanceUID=one)
    found = {item.reason_code: item for item in scan_archives([archive]).refused_series}
    assert sorted(found) == ["mixed_studies", "single_slice"]
    assert [found["mixed_studies"].study_uid, *found["mixed_studies"].other_studies] == uids


def test_one_mask_uid_with_two_contents_is_refused(archive, edit_file):
    copy = archive / "S01" / "t0" / "seg2.dcm"
    copy.write_bytes((archive / "S01" / "t0" / "seg.dcm").read_bytes())
    catalogue = scan_archives([archive])
    assert len(catalogue.masks) == 3
    edit_file(copy, SeriesDescription="another")
    catalogue = scan_archives([archive])
    assert len(catalogue.masks) == 2
    assert {file.reason_code for file in catalogue.refused_files} == {"same_uid_other_content"}
    assert all(file.certain for file in catalogue.refused_files)


def test_a_changed_file_changes_its_digest_only(archive, edit_file):
    before = scan_archives([archive]).digests
    victim = archive / "S01" / "t0" / "native" / "02.dcm"
    edit_file(victim, SeriesDescription="LIVER NATIVE 2")
    after = scan_archives([archive]).digests
    assert {path for path in before if before[path] != after[path]} == {str(victim)}


def test_subject_id_is_the_trial_id_else_the_map_else_the_patient_id_with_a_warning(archive):
    for file in (archive / "S02").rglob("*.dcm"):
        dataset = pydicom.dcmread(file)
        dataset.PatientID = "0042"
        if "ClinicalTrialSubjectID" in dataset:
            del dataset.ClinicalTrialSubjectID
        dataset.save_as(file)
    catalogue = scan_archives([archive])
    plain = study_subjects(catalogue)
    assert sorted(plain.subjects.values()) == ["0042", "S01", "S01"]
    [problem] = plain.problems
    assert problem.code == "patient_id_as_subject"
    assert "--subject-map" in problem.sentence
    mapped = study_subjects(catalogue, {"0042": "S02"})
    assert sorted(mapped.subjects.values()) == ["S01", "S01", "S02"]
    assert mapped.problems == ()


def test_a_study_of_two_subjects_or_of_none_is_refused(archive, edit_file, study_uid):
    edited = archive / "S01" / "t0" / "native"
    for file in edited.iterdir():
        edit_file(file, ClinicalTrialSubjectID="S99")
    for file in (archive / "S02").rglob("*.dcm"):
        edit_file(file, PatientID="", ClinicalTrialSubjectID="")
    owners = study_subjects(scan_archives([archive]))
    assert owners.refused == {
        study_uid(archive / "S01" / "t0"): "mixed_subjects",
        study_uid(archive / "S02"): "no_subject_id",
    }
    assert all(problem.refused for problem in owners.problems)


def test_a_study_of_localizers_alone_is_known(archive, edit_file):
    for file in (archive / "S02" / "t0").rglob("*.dcm"):
        if file.name == "seg.dcm":
            file.unlink()
        else:
            edit_file(file, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    [bare] = scan_archives([archive]).bare_studies
    assert (bare.subject_hint, bare.files) == ("S02", 12)


def accounted(catalogue) -> list[str]:
    """Return the name of every file that the catalogue says something of."""
    used = [file for one in catalogue.series for file in one.report.files_used]
    used += [file for one in catalogue.refused_series for file in one.files]
    names = [catalogue.names[path] for path in used]
    names += [mask.file for mask in catalogue.masks]
    names += [file.file for file in catalogue.refused_files]
    return sorted(names + [item.file for item in catalogue.left_out])


def test_every_file_of_a_damaged_archive_is_accounted_for_once(archive, edit_file):
    (archive / "S01" / "t0" / "native" / "02.dcm").unlink()
    (archive / "S02" / "t0" / "native" / "02.dcm").write_bytes(b"\x00" * 99)
    plan = archive / "S01" / "t0" / "plan.dcm"
    plan.write_bytes((archive / "S01" / "t0" / "native" / "00.dcm").read_bytes())
    edit_file(plan, Modality="RTPLAN", SOPClassUID="1.2.840.10008.5.1.4.1.1.481.5")
    report = archive / "S01" / "t0" / "report.dcm"
    report.write_bytes(plan.read_bytes())
    edit_file(report, Modality="SR", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33",
              SOPInstanceUID="1.2.3.4.9")  # fmt: skip
    (archive / "notes.txt").write_text("x")
    catalogue = scan_archives([archive])
    files = sorted(str(f.relative_to(archive)) for f in archive.rglob("*") if f.is_file())
    assert accounted(catalogue) == files
    left_out = {(item.file, item.reason_code) for item in catalogue.left_out}
    assert ("S01/t0/plan.dcm", "modality_not_read") in left_out
    assert ("S01/t0/report.dcm", "report_not_read") in left_out


def test_a_dicomdir_is_passed_over_and_the_files_beside_it_are_read(pristine, tmp_path):
    disc = tmp_path / "disc"
    shutil.copytree(pristine / "S02" / "t0" / "native", disc)
    directory = pydicom.Dataset()
    directory.file_meta = pydicom.dataset.FileMetaDataset()
    directory.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    directory.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    directory.FileSetID = "DISC"
    directory.save_as(disc / "DICOMDIR", enforce_file_format=True)
    catalogue = scan_archives([disc])
    assert [(item.file, item.reason_code) for item in catalogue.left_out] == [
        ("DICOMDIR", "dicomdir_not_read")
    ]
    assert len(catalogue.series) == 1


@pytest.mark.shared
@pytest.mark.parametrize("folder", ["odd_dicom", "dcmqi_liver_seg", "hcc_tace_slices"])
def test_every_file_of_real_odd_archives_is_accounted_for_once(shared_data, folder):
    catalogue = scan_archives([shared_data / folder])
    root = shared_data / folder
    files = sorted(str(f.relative_to(root)) for f in root.rglob("*") if f.is_file())
    assert accounted(catalogue) == files


def test_a_damaged_file_above_many_studies_is_of_none_of_them(archive):
    """One file of a study that strayed into a folder beside it does not decide whose it is."""
    victim = archive / "damaged.dcm"
    victim.write_bytes(b"\x00" * 3000)
    (archive / "copy").mkdir()
    shutil.copy(archive / "S01" / "t0" / "native" / "00.dcm", archive / "copy" / "00.dcm")
    [refused] = scan_archives([archive]).refused_files
    assert (refused.study_uid, refused.certain) == (None, False)


def test_a_damaged_dicomdir_is_passed_over_like_a_whole_one(archive):
    (archive / "DICOMDIR").write_bytes(bytes(128) + b"DICM" + b"x" * 30)
    catalogue = scan_archives([archive])
    assert [(item.file, item.reason_code) for item in catalogue.left_out] == [
        ("DICOMDIR", "dicomdir_not_read")
    ]
    assert catalogue.refused_files == ()


def test_the_folder_of_a_run_inside_an_archive_is_not_read(archive):
    run = archive / "S02" / "run"
    run.mkdir()
    for name in ("run.lock", "run.sqlite", "run.sqlite-shm", "plan.csv"):
        (run / name).write_bytes(b"\x01\x02")
    shutil.copy(archive / "S01" / "t0" / "native" / "00.dcm", run / "00.dcm")
    catalogue = scan_archives([archive])
    assert [(item.file, item.reason_code) for item in catalogue.left_out] == [
        ("S02/run", "run_folder")
    ]
    assert catalogue.refused_files == ()


def test_a_run_in_the_archive_itself_does_not_stop_its_reading(archive):
    for name in ("run.lock", "run.sqlite", "run.sqlite-shm", "run.sqlite-wal"):
        (archive / name).write_bytes(b"\x01\x02")
    catalogue = scan_archives([archive])
    assert len(catalogue.series) == 6
    assert catalogue.refused_files == ()
    assert {item.reason_code for item in catalogue.left_out} == {"not_dicom"}


def test_a_name_with_a_line_break_is_told_in_one_line(archive):
    folder = archive / "two\nlines \x1b[31m Ärzte"
    folder.mkdir()
    (folder / "damaged.dcm").write_bytes(b"\x00" * 3000)
    [refused] = scan_archives([archive]).refused_files
    assert refused.file == r"two\nlines \x1b[31m Ärzte/damaged.dcm"


def write_directory(folder, named: dict[str, str]) -> None:
    """A DICOMDIR that names files by their path below a folder, with their instance UIDs."""
    directory = pydicom.Dataset()
    directory.file_meta = pydicom.dataset.FileMetaDataset()
    directory.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    directory.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    directory.FileSetID = "DISC"
    patient = pydicom.Dataset()
    patient.DirectoryRecordType, patient.PatientName = "PATIENT", "Doe^Jane"
    records = [patient]
    for name, uid in named.items():
        record = pydicom.Dataset()
        record.DirectoryRecordType = "IMAGE"
        record.ReferencedFileID = name.split("/")
        record.ReferencedSOPInstanceUIDInFile = uid
        records.append(record)
    directory.DirectoryRecordSequence = records
    directory.save_as(folder / "DICOMDIR", enforce_file_format=True)


@pytest.fixture
def disc(pristine, tmp_path):
    """Six slices as discs name them, and what their DICOMDIR should say."""
    folder = tmp_path / "disc"
    (folder / "DICOM").mkdir(parents=True)
    named = {}
    for file in sorted((pristine / "S02" / "t0" / "native").iterdir()):
        name = f"DICOM/IM{file.stem}"
        shutil.copy(file, folder / name)
        named[name] = str(pydicom.dcmread(file).SOPInstanceUID)
    return folder, named


def directory_doubts(folder) -> list[tuple[str, str, str]]:
    found = scan_archives([folder]).problems
    assert not any("Doe" in problem.written() for problem in found)
    return [(one.code, one.where, one.sentence.rpartition("(")[2]) for one in found]


def test_a_dicomdir_that_fits_its_files_raises_no_doubt(disc):
    folder, named = disc
    write_directory(folder, {name.upper(): uid for name, uid in named.items()})
    assert directory_doubts(folder) == []
    for number, file in enumerate(sorted((folder / "DICOM").iterdir())):
        file.rename(folder / f"im{number}.dcm;1")  # moved and renamed: known by their UIDs
    assert directory_doubts(folder) == []


def test_what_a_dicomdir_names_and_is_not_there_is_told_and_the_rest_is_read(disc):
    folder, named = disc
    write_directory(folder, named)
    (folder / "DICOM" / "IM05").unlink()
    assert directory_doubts(folder) == [
        ("dicomdir_file_missing", "DICOMDIR", "1 of 6; first DICOM/IM05)")
    ]
    assert len(scan_archives([folder]).series[0].headers) == 5


def test_a_dicomdir_that_names_other_instances_is_not_believed(disc):
    folder, named = disc
    write_directory(folder, named | {"DICOM/IM00": "1.2.3.4.5"})
    assert directory_doubts(folder) == [
        ("dicomdir_contradicts", "DICOMDIR", "1 of 6; first DICOM/IM00)")
    ]
    assert len(scan_archives([folder]).series[0].headers) == 6


def test_files_that_a_dicomdir_does_not_name_are_read(disc):
    folder, named = disc
    write_directory(folder, {name: named[name] for name in list(named)[:2]})
    assert directory_doubts(folder) == []
    assert len(scan_archives([folder]).series[0].headers) == 6


@pytest.mark.filterwarnings("ignore:.*for VR")
@pytest.mark.filterwarnings("ignore:The value length")
@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "..", "", "a/" * 400 + "b"])
def test_no_file_outside_is_looked_for_because_a_dicomdir_names_it(disc, name):
    folder, named = disc
    (folder.parent / "secret").write_bytes(b"x")
    write_directory(folder, named | {name: "1.2.3"})
    found = directory_doubts(folder)
    assert [code for code, _, _ in found] == (["dicomdir_file_missing"] if name else [])


def test_a_dicomdir_in_a_zip_is_compared_with_its_members(disc, tmp_path):
    folder, named = disc
    write_directory(folder, named)
    (folder / "DICOM" / "IM05").unlink()
    data = tmp_path / "data"
    data.mkdir()
    shutil.make_archive(str(data / "disc"), "zip", folder)
    found = scan_archives([data], options=ScanOptions(folder=tmp_path / "run")).problems
    assert [(one.code, one.where) for one in found] == [
        ("dicomdir_file_missing", "disc.zip!/DICOMDIR")
    ]


def test_a_tree_too_deep_to_be_opened_is_listed_and_the_rest_is_read(archive):
    """Its path is longer than the system takes; depth 300 with short names is walked."""
    home = os.open(archive, os.O_RDONLY)
    here = home
    try:
        for _ in range(30):
            os.mkdir("d" * 200, dir_fd=here)
            below = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
            if here != home:
                os.close(here)
            here = below
        handle = os.open("deep.dcm", os.O_CREAT | os.O_WRONLY, dir_fd=here)
        os.close(handle)
    finally:
        os.close(here)
    catalogue = scan_archives([archive])
    assert len(catalogue.series) == 6
    [refused] = catalogue.refused_files
    assert refused.reason_code == "path_too_long"
    assert set(refused.file) == {"d", "/"}
    shutil.rmtree(archive / ("d" * 200))
