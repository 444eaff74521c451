"""CPU time and memory of reading: headers, uncompressed and compressed series, beside peers.

    python benchmarks/loading.py [--slices 300] [--headers 20000] [--repeats 3] [--only PART ...]

Series of 512 x 512 slices are generated: a body with organs, noise of 12 HU, headers of 90 elements
as scanners write them. Runs alternate, files are in the page cache, the best of the repeats counts.
CPU seconds are those of this process and of its decoding process together. Every peer's values are
compared with those that were written; a peer that is not installed is said to be absent
(pip install 'sumdiam[bench]'), one that gives other values is said to be wrong.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pydicom
from ct_files import ENCODERS, INTERCEPT, slices_of, write_headers, write_series
from numpy.typing import NDArray

from imaging.header import read_header
from imaging.header_field import WANTED
from imaging.series import ImageSeries, group_series, load_volume

PARTS = ("uncompressed", "memory", "codecs", "lazy", "headers")
Reader = Callable[[], object]


@dataclass(frozen=True)
class Line:
    """What has to be shown, and what was measured."""

    wanted: str
    ratio: float
    met: bool

    def __str__(self) -> str:
        return f"  {'met    ' if self.met else 'NOT MET'} {self.wanted}: {self.ratio:.2f}"


# measuring


def cpu_seconds() -> float:
    """CPU time of this process and its decoding process so far."""
    spent = time.process_time()  # of all threads: some peers have several
    for child in psutil.Process().children():
        exact = Path(f"/proc/{child.pid}/schedstat")  # our decoder has one thread
        if exact.exists():
            spent += int(exact.read_text().split()[0]) / 1e9
        else:
            times = child.cpu_times()
            spent += times.user + times.system
    return spent


def alternate(readers: Mapping[str, Reader], repeats: int) -> dict[str, float]:
    """Best CPU seconds of each reader, in turns; the first turn only warms up."""
    best = dict.fromkeys(readers, math.inf)
    for turn in range(repeats + 1):
        for name, read in readers.items():
            start = cpu_seconds()
            result = read()
            spent = cpu_seconds() - start
            del result
            if turn:
                best[name] = min(best[name], spent)
    return best


def show(title: str, best: Mapping[str, float], ours: str) -> None:
    """Print the times, and how many times ours each takes."""
    print(f"\n{title}")
    for name, seconds in best.items():
        print(f"  {name:44s} {seconds * 1e3:10.1f} ms  {seconds / best[ours]:6.2f} x")


def peers(names: list[str], truth: NDArray[np.int16]) -> dict[str, Reader]:
    """Readers of a series that are installed and give the values that were written."""

    def with_pydicom() -> NDArray[np.int16]:
        files = sorted((pydicom.dcmread(n) for n in names), key=lambda d: d.ImagePositionPatient[2])
        volume = np.stack([d.pixel_array for d in files]).astype(np.int16)
        for z, d in enumerate(files):
            volume[z] *= np.int16(d.RescaleSlope)
            volume[z] += np.int16(d.RescaleIntercept)
        return volume

    def with_simpleitk() -> NDArray[np.int16]:
        import SimpleITK

        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(names)
        return SimpleITK.GetArrayFromImage(reader.Execute()).astype(np.int16, copy=False)

    def with_dicomsdl() -> NDArray[np.int16]:
        import dicomsdl

        volume = np.empty(truth.shape, dtype=np.int16)
        for z, name in enumerate(names):
            volume[z] = dicomsdl.open(name).pixelData(storedvalue=True)
            volume[z] += np.int16(INTERCEPT)
        return volume

    found: dict[str, Reader] = {}
    for name, module, read in (
        ("pydicom", "pydicom", with_pydicom),
        ("SimpleITK", "SimpleITK", with_simpleitk),
        ("dicomsdl", "dicomsdl", with_dicomsdl),
    ):
        if importlib.util.find_spec(module) is None:
            print(f"  {name} is absent")
            continue
        try:
            right = np.array_equal(read(), truth)
        except Exception as error:  # noqa: BLE001 - whatever a peer raises
            print(f"  {name} cannot read this: {type(error).__name__}")
            continue
        if right:
            found[name] = read
        else:
            print(f"  {name} is WRONG: other values than were written")
    return found


def scanned(names: list[str]) -> ImageSeries:
    """The series that the files form."""
    (series,) = group_series([read_header(name) for name in names]).series
    return series


# parts


def uncompressed(folder: Path, words: NDArray[np.uint16], repeats: int) -> list[Line]:
    """Files to a volume in HU."""
    names = write_series(folder / "plain", words)
    truth = words.astype(np.int16) + np.int16(INTERCEPT)
    series = scanned(names)
    assert np.array_equal(load_volume(series).array, truth)
    offset = series.headers[0].pixel_offset or 0

    def floor() -> NDArray[np.int16]:
        volume = np.empty(words.shape, dtype=np.int16)
        for z, name in enumerate(names):
            with Path(name).open("rb", buffering=0) as stream:
                stream.seek(offset)
                stream.readinto(volume[z].data.cast("B"))
        return volume

    ours, whole = "sumdiam: load_volume", "sumdiam: headers, grouping, load_volume"
    found = peers(names, truth)
    best = alternate(
        {"floor: reading the bytes": floor, ours: lambda: load_volume(series),
         whole: lambda: load_volume(scanned(names)), **found},
        repeats,
    )  # fmt: skip
    show(f"Uncompressed, {len(names)} slices of 512 x 512 to HU", best, ours)
    lines = []
    for peer, least in (("SimpleITK", 8.0), ("pydicom", 8.0), ("dicomsdl", 1.0)):
        for name in (ours, whole):
            if peer in best:
                ratio = best[peer] / best[name]
                text = f"{peer} takes at least {least:g} x the CPU of {name}"
                lines.append(Line(text, ratio, ratio >= least))
    return lines


def memory(folder: Path) -> list[Line]:
    """Peak memory of loading, in a process of its own."""
    script = (
        "import sys, pathlib\n"
        "from imaging.header import read_header\n"
        "from imaging.series import group_series, load_volume\n"
        "names = sorted(pathlib.Path(sys.argv[1]).iterdir())\n"
        "(series,) = group_series([read_header(name) for name in names]).series\n"
        "def peak(word):\n"
        "    text = pathlib.Path('/proc/self/status').read_text()\n"
        "    return int(text.split(word)[1].split()[0]) * 1024\n"
        "before = peak('VmRSS:')\n"
        "volume = load_volume(series)\n"
        "print((peak('VmHWM:') - before) / volume.array.nbytes)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder / "plain")],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    ratio = float(done.stdout)
    print(f"\nPeak memory of load_volume: {ratio:.2f} x the array")
    return [Line("peak memory at most 1.5 x the array", ratio, ratio <= 1.5)]


def codecs(folder: Path, words: NDArray[np.uint16], repeats: int) -> list[Line]:
    """Compressed series to a volume."""
    words = words[:60]
    truth = words.astype(np.int16) + np.int16(INTERCEPT)
    lines = []
    for codec in ENCODERS:
        print(f"\n{codec}:")
        names = write_series(folder / codec.replace(" ", "_"), words, codec)
        series = scanned(names)
        assert np.array_equal(load_volume(series).array, truth)
        found = peers(names, truth)
        ours = "sumdiam: load_volume"
        best = alternate({ours: lambda s=series: load_volume(s), **found}, repeats)
        show(f"{codec}, {len(names)} slices", best, ours)
        if found and codec in ("JPEG lossless", "HTJ2K"):
            peer = min(found, key=lambda name: best[name])
            ratio = best[ours] / best[peer]
            text = f"{codec} at most 1.15 x the best peer ({peer})"
            lines.append(Line(text, ratio, ratio <= 1.15))
    return lines


def lazy(folder: Path, words: NDArray[np.uint16]) -> list[Line]:
    """One lesion on 20 slices of a JPEG 2000 series, against all slices."""
    names = write_series(folder / "long", words, "JPEG 2000")
    series = scanned(names)
    wanted = range(len(names) // 2, len(names) // 2 + 20)
    ours = f"20 of {len(names)} slices"
    best = alternate(
        {
            "all slices": lambda: load_volume(series),
            ours: lambda: load_volume(series, slices=wanted),
        },
        1,
    )
    show("JPEG 2000, one lesion on 20 slices", best, ours)
    ratio = best["all slices"] / best[ours]
    return [Line("one lesion on 20 slices at least 8 x less than all", ratio, ratio >= 8)]


def headers(folder: Path, count: int, repeats: int) -> list[Line]:
    """What a scan reads of each file."""
    names = write_headers(folder / "headers", count)

    def floor() -> None:
        for name in names:
            with Path(name).open("rb", buffering=0) as stream:
                stream.read(4096)

    def each(read: Callable[[str], object]) -> Reader:
        def run() -> None:
            for name in names:
                read(name)

        return run

    ours = "sumdiam: read_header, all its fields"
    readers: dict[str, Reader] = {
        "floor: reading 4096 bytes": floor,
        ours: each(read_header),
        "pydicom.dcmread, specific_tags, same tags": each(
            lambda n: pydicom.dcmread(n, stop_before_pixels=True, specific_tags=WANTED)
        ),
        "pydicom.dcmread, specific_tags, 10 tags": each(
            lambda n: pydicom.dcmread(n, stop_before_pixels=True, specific_tags=WANTED[:10])
        ),
    }
    if importlib.util.find_spec("dicomsdl") is None:
        print("  dicomsdl is absent")
    else:
        import dicomsdl

        readers["dicomsdl.open, nothing decoded"] = each(dicomsdl.open)
    best = alternate(readers, repeats)
    show(f"Headers of {count} files", best, ours)
    lines = []
    for tags in ("same tags", "10 tags"):
        ratio = best[f"pydicom.dcmread, specific_tags, {tags}"] / best[ours]
        lines.append(
            Line(f"header scan at least 12 x less than pydicom ({tags})", ratio, ratio >= 12)
        )
    return lines


def main() -> int:
    """Run the parts asked for; return 1 where something was not met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--headers", type=int, default=20000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="loading-") as name:
        folder = Path(name)
        words = slices_of(asked.slices)
        if {"uncompressed", "memory"} & set(asked.only):
            lines += uncompressed(folder, words, asked.repeats)
        if "memory" in asked.only:
            lines += memory(folder)
        if "codecs" in asked.only:
            lines += codecs(folder, words, asked.repeats)
        if "lazy" in asked.only:
            lines += lazy(folder, words)
        if "headers" in asked.only:
            lines += headers(folder, asked.headers, max(1, asked.repeats - 1))
    print(f"\nOf {len(lines)} lines:")
    for line in lines:
        print(line)
    print(f"\npeak memory of this benchmark: "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB, "
          f"{time.process_time():.0f} s CPU")  # fmt: skip
    return int(not all(line.met for line in lines))


if __name__ == "__main__":
    sys.exit(main())
