"""Reference objects as DICOM: CT and MR image series, complete and deterministic."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from imaging.geometry import VolumeGeometry
from imaging.volume import Volume

INTERCEPT_HU = -1024
MANUFACTURER = "sumdiam reference objects"
MODEL = "digital reference object"
SOFTWARE = "1"


def uid_for(*words: str) -> str:
    """Return a DICOM UID that depends on these words alone, under 2.25 (a UUID of their digest)."""
    digest = bytearray(hashlib.sha256("\x1f".join(words).encode()).digest()[:16])
    digest[6] = (digest[6] & 0x0F) | 0x80  # UUID version 8: made from something else
    digest[8] = (digest[8] & 0x3F) | 0x80
    return f"2.25.{int.from_bytes(bytes(digest))}"


@dataclass(frozen=True, slots=True)
class StudyIdentity:
    """Whose study it is and when; every UID follows from ``trial``, ``subject_id`` and ``visit``.

    Parameters
    ----------
    visit : str
        Names the study among those of its subject ("baseline", "week 8"); not written.
    acquired_at : time of the first series
    patient_id : str, optional
        ``SIMULATED-<subject_id>`` if not given.
    sex : "M", "F", "O" or ""
    comment : ImageComments of every image (where a real scan came from)
    """

    subject_id: str
    visit: str
    acquired_on: dt.date
    acquired_at: dt.time = dt.time(10, 0)
    patient_id: str = ""
    trial: str = "SUMDIAM-REFERENCE"
    description: str = "ABDOMEN"
    sex: str = ""
    comment: str = ""

    def uid(self, *words: str) -> str:
        """Return a UID inside this study."""
        return uid_for(self.trial, self.subject_id, self.visit, *words)

    @property
    def study_uid(self) -> str:
        """StudyInstanceUID."""
        return self.uid("study")

    @property
    def frame_of_reference_uid(self) -> str:
        """FrameOfReferenceUID, one for all series of the study."""
        return self.uid("frame of reference")


@dataclass(frozen=True, slots=True)
class SeriesIdentity:
    """One series of a study.

    Parameters
    ----------
    number : int
        SeriesNumber; with the study it decides the UIDs.
    description : str
        SeriesDescription, as an archive would have it.
    after_s : float
        Seconds from the first acquisition of the study to this one.
    contrast_agent : str
        ContrastBolusAgent; empty leaves the contrast module out (native).
    acquisition_number : int
    """

    number: int
    description: str
    after_s: float = 0.0
    contrast_agent: str = ""
    acquisition_number: int = 1


def series_uid(study: StudyIdentity, series: SeriesIdentity) -> str:
    """Return the SeriesInstanceUID of a series of a study."""
    return study.uid("series", str(series.number))


def instance_uids(study: StudyIdentity, series: SeriesIdentity, slices: int) -> tuple[str, ...]:
    """Return the SOPInstanceUIDs of a series, one per slice."""
    return tuple(study.uid("series", str(series.number), str(k)) for k in range(slices))


def reference_volume(
    image: NDArray[np.int16],
    geometry: VolumeGeometry,
    *,
    study: StudyIdentity,
    series: SeriesIdentity,
    modality: str = "CT",
) -> Volume:
    """Return an image as the Volume that a reader should make of its series.

    Parameters
    ----------
    image : (z, y, x) int16 array in HU, or in signal for MR
    geometry : its grid; the study's frame of reference is put in
    """
    uids = instance_uids(study, series, geometry.shape[0])
    return Volume(
        array=image,
        geometry=replace(geometry, frame_of_reference_uid=study.frame_of_reference_uid),
        unit="HU" if modality == "CT" else "signal",
        sop_instance_uids=uids,
        frame_numbers=(1,) * len(uids),
        volume_id=f"{series_uid(study, series)}#all",
        slice_thickness_mm=geometry.slice_spacing_mm,
    )


def ct_series(volume: Volume, study: StudyIdentity, series: SeriesIdentity) -> list[Dataset]:
    """CT Image Storage instances of a volume, one per slice, feet to head.

    Parameters
    ----------
    volume : from `reference_volume`; values in HU, -1024 to 3071

    Returns
    -------
    list of Dataset
        With file meta information, so ``dataset.save_as(path, enforce_file_format=True)`` writes
        a conformant file; the same input gives the same bytes.

    Notes
    -----
    12 bits unsigned, rescale slope 1 and intercept -1024, explicit VR little endian.
    """
    stored = (volume.array.astype(np.int32) - INTERCEPT_HU).clip(0, 4095).astype("<u2")
    return _instances(volume, study, series, stored=stored, modality="CT")


def mr_series(volume: Volume, study: StudyIdentity, series: SeriesIdentity) -> list[Dataset]:
    """MR Image Storage instances of a volume: signal without a unit (see `ct_series`)."""
    stored = volume.array.clip(0, 32767).astype("<u2")
    return _instances(volume, study, series, stored=stored, modality="MR")


def _instances(
    volume: Volume,
    study: StudyIdentity,
    series: SeriesIdentity,
    *,
    stored: NDArray[np.uint16],
    modality: str,
) -> list[Dataset]:
    """Build one dataset per slice."""
    shared = Dataset()
    shared.update(study_attributes(study))
    shared.update(_series_attributes(volume, study, series, modality))
    shared.update(_ct_attributes() if modality == "CT" else _mr_attributes())
    found = []
    origins = volume.geometry.index_to_patient([(k, 0, 0) for k in range(len(stored))])
    for k, (uid, origin) in enumerate(zip(volume.sop_instance_uids, origins, strict=True)):
        instance = Dataset()
        for element in shared:
            instance.add(element)
        instance.SOPInstanceUID = uid
        instance.InstanceNumber = k + 1
        instance.ImagePositionPatient = decimals(origin)
        instance.SliceLocation = decimals(origin)[2]
        instance.PixelData = stored[k].tobytes()
        instance["PixelData"].VR = "OW"
        instance.file_meta = file_meta(instance.SOPClassUID, uid)
        found.append(instance)
    return found


def file_meta(sop_class_uid: str, sop_instance_uid: str) -> FileMetaDataset:
    """Return the file meta information of an instance, the same on every machine."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(uid_for("sumdiam", "implementation"))
    meta.ImplementationVersionName = "SUMDIAM_REF_1"
    return meta


def decimals(values: Sequence[float] | NDArray[np.float64]) -> list[str]:
    """Return decimal strings of at most 16 characters, without negative zero."""
    return [f"{round(float(value), 9) + 0.0:.10g}" for value in values]


def study_attributes(study: StudyIdentity) -> Dataset:
    """Return patient, clinical trial and study attributes."""
    shared = Dataset()
    shared.SpecificCharacterSet = "ISO_IR 192"
    shared.PatientName = "SIMULATED^"  # the caret says that one component is meant
    shared.PatientID = study.patient_id or f"SIMULATED-{study.subject_id}"
    shared.PatientBirthDate = ""
    shared.PatientSex = study.sex
    shared.PatientIdentityRemoved = "YES"
    shared.DeidentificationMethod = "no patient: digital reference object"
    shared.ClinicalTrialSponsorName = "SIMULATED"
    shared.ClinicalTrialProtocolID = study.trial
    shared.ClinicalTrialProtocolName = ""
    shared.ClinicalTrialSiteID = ""
    shared.ClinicalTrialSiteName = ""
    shared.ClinicalTrialSubjectID = study.subject_id
    shared.StudyInstanceUID = study.study_uid
    shared.StudyID = "1"
    shared.StudyDate = f"{study.acquired_on:%Y%m%d}"
    shared.StudyTime = f"{study.acquired_at:%H%M%S}"
    shared.StudyDescription = study.description
    shared.AccessionNumber = ""
    shared.ReferringPhysicianName = ""
    return shared


def equipment_attributes() -> Dataset:
    """Return the attributes of the device that made an instance."""
    shared = Dataset()
    shared.Manufacturer = MANUFACTURER
    shared.ManufacturerModelName = MODEL
    shared.DeviceSerialNumber = "0"
    shared.SoftwareVersions = SOFTWARE
    return shared


def _series_attributes(
    volume: Volume, study: StudyIdentity, series: SeriesIdentity, modality: str
) -> Dataset:
    """Return series, frame of reference, plane and pixel attributes."""
    started = dt.datetime.combine(study.acquired_on, study.acquired_at)
    moment = started + dt.timedelta(seconds=series.after_s)
    shared = equipment_attributes()
    shared.Modality = modality
    shared.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if modality == "CT" else "OTHER"]
    shared.SeriesInstanceUID = series_uid(study, series)
    shared.SeriesNumber = series.number
    shared.SeriesDescription = series.description
    for name in ("Series", "Acquisition", "Content", "InstanceCreation"):
        setattr(shared, f"{name}Date", f"{moment:%Y%m%d}")
        setattr(shared, f"{name}Time", f"{moment:%H%M%S}")
    shared.AcquisitionNumber = series.acquisition_number
    shared.BodyPartExamined = "ABDOMEN"
    shared.PatientPosition = "HFS"
    shared.FrameOfReferenceUID = study.frame_of_reference_uid
    shared.PositionReferenceIndicator = ""
    shared.ContentQualification = "RESEARCH"
    shared.BurnedInAnnotation = "NO"
    shared.LossyImageCompression = "00"
    if study.comment:
        shared.ImageComments = study.comment
    if series.contrast_agent:
        shared.ContrastBolusAgent = series.contrast_agent
    shared.update(plane_attributes(volume.geometry))
    shared.SliceThickness = decimals([volume.slice_thickness_mm or 0.0])[0]
    return shared


def plane_attributes(geometry: VolumeGeometry) -> Dataset:
    """Return orientation, spacing and matrix of a grid."""
    shared = Dataset()
    _, row_mm, column_mm = geometry.spacing_mm
    directions = np.concatenate(
        [geometry.affine[:3, 2] / column_mm, geometry.affine[:3, 1] / row_mm]
    )
    shared.ImageOrientationPatient = decimals(directions)
    shared.PixelSpacing = decimals([row_mm, column_mm])
    shared.Rows, shared.Columns = geometry.shape[1:]
    shared.SamplesPerPixel = 1
    shared.PhotometricInterpretation = "MONOCHROME2"
    shared.BitsAllocated = 16
    shared.PixelRepresentation = 0
    return shared


def _ct_attributes() -> Dataset:
    """Return what CT Image Storage asks for beside plane and pixels."""
    shared = Dataset()
    shared.SOPClassUID = CTImageStorage
    shared.BitsStored, shared.HighBit = 12, 11
    shared.RescaleIntercept = str(INTERCEPT_HU)
    shared.RescaleSlope = "1"
    shared.RescaleType = "HU"
    shared.KVP = "120"
    shared.ConvolutionKernel = "REFERENCE"
    shared.WindowCenter, shared.WindowWidth = "70", "300"
    return shared


def _mr_attributes() -> Dataset:
    """Return what MR Image Storage asks for beside plane and pixels."""
    shared = Dataset()
    shared.SOPClassUID = MRImageStorage
    shared.BitsStored, shared.HighBit = 15, 14
    shared.ScanningSequence = "GR"
    shared.SequenceVariant = "SP"
    shared.ScanOptions = ""
    shared.MRAcquisitionType = "3D"
    shared.RepetitionTime, shared.EchoTime, shared.FlipAngle = "4", "2", "12"
    shared.EchoTrainLength = "1"
    shared.MagneticFieldStrength = "1.5"
    shared.WindowCenter, shared.WindowWidth = "450", "900"
    return shared
