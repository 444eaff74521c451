"""How much damage within compressed pixels is told, by codec.

    python -m benchmarks.codec_damage [--count 300]

One CT slice is compressed; each code stream is damaged behind its first eighth by one bit, by one
byte, or by 4 to 512 random bytes in a row, and decoded as a file with it would be.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from pydicom.encaps import encapsulate

from benchmarks.ct_files import ENCODERS, dataset, slices_of
from imaging.decoder_client import decode_apart
from imaging.header import read_header
from imaging.pixel_error import PixelError

DAMAGES = ("one bit", "one byte", "more")


def damaged(code: bytes, how: str, rng: random.Random) -> bytes:
    """The code stream with a damage."""
    data = bytearray(code)
    begin, end = len(data) // 8, len(data) - 4
    if how == "one bit":
        data[rng.randrange(begin, end)] ^= 1 << rng.randrange(8)
    elif how == "one byte":
        data[rng.randrange(begin, end)] = rng.randrange(256)
    else:
        size = rng.choice((4, 40, 512))
        place = rng.randrange(begin, end - size)
        data[place : place + size] = rng.randbytes(size)
    return bytes(data)


def outcomes(codec: str, words: np.ndarray, count: int, path: Path) -> Counter[tuple[str, str]]:
    """What came of each damage: refused, unchanged, or other values without a word."""
    syntax, encode = ENCODERS[codec]
    code = bytes(encode(words))
    code += b"\0" * (len(code) % 2)
    rng = random.Random(codec)  # noqa: S311 - made again by its seed
    found: Counter[tuple[str, str]] = Counter()
    for number in range(count):
        how = DAMAGES[number % 3]
        d = dataset(0)
        d.Rows, d.Columns = words.shape
        d.file_meta.TransferSyntaxUID = syntax
        d.PixelData = encapsulate([damaged(code, how, rng)])
        d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
        d.save_as(path, enforce_file_format=True)
        try:
            same = np.array_equal(decode_apart(read_header(path)), words)
        except PixelError:
            found[how, "refused"] += 1
        else:
            found[how, "unchanged" if same else "silent"] += 1
    return found


def main() -> None:
    """Print a row for each codec."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300)
    count = parser.parse_args().count
    warnings.simplefilter("ignore")
    words = np.ascontiguousarray(slices_of(1)[0][128:384, 128:384])
    print(
        "| codec | refused | other values, without a word | of these by one bit, one byte, more |"
    )
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for codec in ENCODERS:
            found = outcomes(codec, words, count, Path(folder) / "slice.dcm")
            refused = sum(n for (_, what), n in found.items() if what == "refused")
            silent = [found[how, "silent"] for how in DAMAGES]
            print(f"| {codec} | {refused} | {sum(silent)} | {', '.join(map(str, silent))} |")


if __name__ == "__main__":
    main()
