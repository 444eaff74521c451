"""How other readers do on the awkward series that `imaging` is tested with.

    python -m benchmarks.awkward_series [--only NAME ...] [--details] [--csv FILE]

Every case of `tests/imaging/awkward` is written into a folder and read by each reader, in a process
of its own, as its documentation reads a folder. Judged by values and places alone, as other readers
raise no flags:

right    each volume that the case holds, with its values at their places, and no other
refused  an error, nothing at all, or a nonzero exit
wrong    anything else: another geometry, other values, phases mixed, a gap closed, or a volume
         where none can be measured; `warned` of these with a line on the console
not      a localizer, capture, reformat or colour image read as an image: a converter's right

Values are compared at the centres of the expected voxels, to 0.1 voxel; between the voxels of a
resampled grid by linear interpolation, as the values of all cases are linear in space, and to what
a whole row is worth. A fourth dimension is taken for volumes of their own. Volumes
beside the right ones are forgiven where they hold what is to be left out, and so is dcm2niix's
first file beside one corrected for tilt. A reader that is not installed is listed as absent.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from tests.imaging.awkward.answer import Answer, Expected
from tests.imaging.awkward.cases import CASES, write_case

Found = tuple[NDArray[np.float64], NDArray[np.float64]]
"""An array in any axis order, and the map from its indices to LPS mm."""
Reader = Callable[[Path], list[Found]]

SECONDS = 300
SAME_VOXEL = 0.1
ROW_STEP = 3.0
"""Values differ by so much from row to row: what a resampling to the nearest row may be off."""
HEAVY = ("SimpleITK", "highdicom", "dicom2nifti", "nibabel", "imaging.series")
NOT_JUDGED = {
    "localizer", "secondary_capture", "bolus_tracking", "reformatted", "unsupported_pixel_format",
}  # fmt: skip
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])


def sumdiam(folder: Path) -> list[Found]:
    """Read as `imaging` does."""
    from imaging.header import HeaderError, read_header
    from imaging.series import group_series, load_volume

    headers = []
    for path in sorted(folder.iterdir()):
        try:
            headers.append(read_header(path))
        except HeaderError as error:
            print(error, file=sys.stderr)
    volumes = [load_volume(series) for series in group_series(headers).series]
    return [(v.array.astype(np.float64), v.geometry.affine) for v in volumes]


def simpleitk(folder: Path) -> list[Found]:
    """Read every series that GDCM finds, as the DicomSeriesReader example does."""
    import SimpleITK

    result = []
    for uid in SimpleITK.ImageSeriesReader.GetGDCMSeriesIDs(str(folder)):
        reader = SimpleITK.ImageSeriesReader()
        names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid)
        reader.SetFileNames(names)
        image = reader.Execute()
        array = SimpleITK.GetArrayFromImage(image).astype(np.float64)
        if array.ndim == 4:  # a multi-frame file as the one file of a series
            array = array.reshape(-1, *array.shape[2:])
        direction = np.reshape(image.GetDirection(), (image.GetDimension(),) * 2)[:3, :3]
        affine = np.eye(4)
        affine[:3, :3] = (direction * image.GetSpacing()[:3])[:, ::-1]
        affine[:3, 3] = image.GetOrigin()[:3]
        result.append((array, affine))
    return result


def _by_series(folder: Path) -> list[list]:
    """Return parsed files, by series."""
    import pydicom

    groups = defaultdict(list)
    for path in sorted(folder.iterdir()):
        d = pydicom.dcmread(path)
        if "PixelData" in d or "FloatPixelData" in d:
            groups[d.SeriesInstanceUID].append(d)
    return list(groups.values())


def pydicom_recipe(folder: Path) -> list[Found]:
    """Stack slices as pydicom's documentation does, by SliceLocation (else by position).

    https://pydicom.github.io/pydicom/stable/auto_examples/image_processing/reslice.html, with
    apply_rescale. Its spacing of slices is SliceThickness.
    """
    from pydicom.pixels import apply_rescale

    result = []
    for slices in _by_series(folder):
        if "NumberOfFrames" in slices[0] and "ImagePositionPatient" not in slices[0]:
            msg = "the recipe stacks files; these hold frames"
            raise ValueError(msg)
        normal = np.cross(
            slices[0].ImageOrientationPatient[:3], slices[0].ImageOrientationPatient[3:]
        )
        slices.sort(
            key=lambda s, normal=normal: float(
                s.get("SliceLocation", np.dot(normal, s.ImagePositionPatient))
            )
        )
        first = slices[0]
        array = np.stack([np.asarray(apply_rescale(s.pixel_array, s), float) for s in slices])
        row, column = np.array(first.ImageOrientationPatient, float).reshape(2, 3)
        affine = np.eye(4)
        affine[:3, 0] = normal * float(first.SliceThickness)
        affine[:3, 1] = column * float(first.PixelSpacing[0])
        affine[:3, 2] = row * float(first.PixelSpacing[1])
        affine[:3, 3] = first.ImagePositionPatient
        result.append((array, affine))
    return result


def highdicom(folder: Path) -> list[Found]:
    """Read single frames with get_volume_from_series, multi-frame files with get_volume."""
    import highdicom as hd

    result = []
    for slices in _by_series(folder):
        if int(slices[0].get("NumberOfFrames", 1)) > 1:
            volumes = [hd.Image.from_dataset(d).get_volume() for d in slices]
        else:
            volumes = [hd.get_volume_from_series(slices)]
        result += [(np.asarray(v.array, float), v.affine) for v in volumes]
    return result


def _nifti(files: list[Path]) -> list[Found]:
    """Return NIfTI images, their affines turned from RAS to LPS."""
    import nibabel

    result = []
    for image in map(nibabel.load, files):
        array = np.asarray(image.get_fdata(), float)
        array = array.reshape(*array.shape[:3], -1)  # volumes of one series lie along the fourth
        result += [(array[..., v], FLIP @ image.affine) for v in range(array.shape[3])]
    return result


def dicom2nifti(folder: Path) -> list[Found]:
    """Convert a folder as the README does."""
    from dicom2nifti import convert_directory

    with tempfile.TemporaryDirectory() as out:
        convert_directory(str(folder), out, compression=False, reorient=False)
        return _nifti(sorted(Path(out).glob("*.nii")))


def _dcm2niix() -> str | None:
    """Return the program, from the package or the system."""
    if find_spec("dcm2niix"):
        import dcm2niix as package

        return str(package.bin)
    return shutil.which("dcm2niix")


def dcm2niix(folder: Path) -> list[Found]:
    """Convert a folder with the default settings."""
    with tempfile.TemporaryDirectory() as out:
        call = [str(_dcm2niix()), "-z", "n", "-f", "%s_%p", "-o", out, str(folder)]
        done = subprocess.run(call, check=False, capture_output=True, text=True, timeout=SECONDS)
        print(done.stdout.replace("Warning: Unable to determine manufacturer", ""))
        if done.returncode:
            raise RuntimeError(done.returncode)
        files = sorted(Path(out).rglob("*.nii"))
        corrected = {p.name.split("_Tilt")[0] for p in files if "_Tilt" in p.name}
        return _nifti([p for p in files if p.stem not in corrected])


READERS: dict[str, tuple[Reader, str]] = {
    "sumdiam": (sumdiam, "sumdiam"),
    "SimpleITK": (simpleitk, "SimpleITK"),
    "pydicom recipe": (pydicom_recipe, "pydicom"),
    "highdicom": (highdicom, "highdicom"),
    "dicom2nifti": (dicom2nifti, "dicom2nifti"),
    "dcm2niix": (dcm2niix, "dcm2niix"),
}


def matches(found: Found, expected: Expected) -> bool:
    """Return whether an array holds the expected values where they are expected."""
    array, affine = found
    if array.ndim != 3 or abs(np.linalg.det(affine)) < 1e-9:
        return False
    index = np.indices(expected.values.shape).reshape(3, -1)  # noqa: PD011
    places = expected.affine[:3, :3] @ index + expected.affine[:3, 3:]
    at = np.linalg.solve(affine, np.vstack([places, np.ones(places.shape[1])]))[:3]
    near = np.abs(at - np.rint(at)) < SAME_VOXEL
    same_grid = bool(near.all())
    at = np.where(near, np.rint(at), at)
    read = ndimage.map_coordinates(array, at, order=1, mode="constant", cval=np.nan)
    there = np.isfinite(read)
    if same_grid and (not there.all() or array.size != there.size):
        return False
    if there.mean() < 0.6:
        return False
    use = there if expected.padding is None else there & ~expected.padding.ravel()
    off = expected.value_off + (1e-3 if same_grid else ROW_STEP)
    return any(
        np.abs(read[use] - right.ravel()[use]).max() <= off + 1e-6 * np.abs(right).max()
        for right in (expected.values, expected.alternative)  # noqa: PD011 - no data frame
        if right is not None
    )


def judge(found: list[Found], answer: Answer) -> str:
    """Return right, refused, wrong or not (judged)."""
    if not found:
        return "refused"
    for wanted in (answer.volumes, answer.harmless):
        hits = [sum(matches(f, one) for f in found) for one in wanted]
        extra = len(found) - len(wanted)
        if wanted and all(n == 1 for n in hits) and (extra == 0 or answer.left_out):
            return "right"
    if answer.verdict == "refuse" and answer.codes & NOT_JUDGED:
        return "not"
    return "wrong"


def _serve(pipe: Connection, reader: Reader, log: Path) -> None:
    """Read and judge what comes in, in a process that may crash."""
    warnings.simplefilter("ignore")
    while True:
        folder, answer = pipe.recv()
        with log.open("w") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        try:
            verdict = judge(reader(folder), answer)
        except Exception as error:  # noqa: BLE001 - every error is a refusal
            print(repr(error))
            verdict = "refused"
        sys.stdout.flush()
        sys.stderr.flush()
        pipe.send(verdict)


class Bench:
    """One reader in a process of its own, started anew after a crash or a hang."""

    def __init__(self, reader: Reader, log: Path) -> None:
        self._reader, self._log = reader, log
        self._process: BaseProcess | None = None

    def verdict(self, folder: Path, answer: Answer) -> str:
        """Return the verdict on one case."""
        if self._process is None:
            self._pipe, theirs = multiprocessing.Pipe()
            self._process = multiprocessing.get_context("fork").Process(
                target=_serve, args=(theirs, self._reader, self._log), daemon=True
            )
            self._process.start()
            theirs.close()
        try:
            self._pipe.send((folder, answer))
            verdict = self._pipe.recv() if self._pipe.poll(SECONDS) else "crashed"
        except (EOFError, OSError):
            verdict = "crashed"
        if verdict == "crashed":
            self.close()
        text = self._log.read_text(errors="replace")
        warned = any(word in text for word in ("arning", "WARN", "rror"))
        return "wrong, warned" if verdict == "wrong" and warned else verdict

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None


def _installed(package: str) -> str | None:
    """Return the version of a reader, None where it is absent."""
    if package == "dcm2niix" and _dcm2niix() is None:
        return None
    try:
        return version(package)
    except PackageNotFoundError:
        return "system" if package == "dcm2niix" else None


def run(names: list[str]) -> pd.DataFrame:
    """Return one row per case, one column per reader."""
    for module in HEAVY:  # before forking, so that no process has to load it again
        if find_spec(module.split(".")[0]):
            import_module(module)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        benches = {n: Bench(READERS[n][0], Path(scratch) / f"{i}.log") for i, n in enumerate(names)}
        for case in CASES:
            folder = Path(scratch) / case.name
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answer = write_case(case.name, folder)
            verdicts = {name: bench.verdict(folder, answer) for name, bench in benches.items()}
            rows.append({"case": case.name, "must": answer.verdict, **verdicts})
            shutil.rmtree(folder)
        for bench in benches.values():
            bench.close()
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return how often each reader was right, refused, wrong; and refused what is legal."""
    rows = []
    for name in names:
        count = Counter(table[name])
        legal = table[table["must"] != "refuse"]
        rows.append(
            {
                "reader": f"{name} {_installed(READERS[name][1])}",
                "right": count["right"],
                "refused": count["refused"] + count["crashed"],
                "of these legal": int(legal[name].isin(["refused", "crashed"]).sum()),
                "crashed": count["crashed"],
                "wrong": count["wrong"] + count["wrong, warned"],
                "warned": count["wrong, warned"],
                "not": count["not"],
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=list(READERS), default=list(READERS))
    parser.add_argument("--details", action="store_true", help="list what each reader got wrong")
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    names = [name for name in args.only if _installed(READERS[name][1])]
    for name in sorted(set(args.only) - set(names)):
        print(f"{name}: absent, not run")
    table = run(names)
    print(f"{len(table)} series, {int((table['must'] != 'refuse').sum())} of them legal")
    print(summary(table, names).to_string(index=False))
    if args.details:
        for name in names:
            for verdict in ("wrong", "wrong, warned", "crashed"):
                listed = table.loc[table[name] == verdict, "case"]
                print(f"\n{name}, {verdict}: {', '.join(listed) or 'none'}")
    if args.csv is not None:
        table.to_csv(args.csv, index=False)


if __name__ == "__main__":
    main()
