"""What the words of real series are called: every arterial one of a half of IDC's descriptions.

    SUMDIAM_SHARED=../shared python benchmarks/phase_words.py [--half odd]

The halves are told by the last digit of the SHA-256 of the description. Words were gathered on
the even half alone; the odd half was read through once, when they were done. Of its 17,024
descriptions 100 were called arterial: 97 name an arterial phase or a delay of 20 to 35 s, two a
delay of 45 s (late arterial at the latest), and one was wrong: a CT of the pulmonary arteries for
embolism, the name of 23 of the 212 series. Since then ``PE`` is a region of its own.
"""

from __future__ import annotations

import argparse
import collections
import csv
import gzip
import hashlib
import os
from pathlib import Path

from imaging.phase import ARTERIAL, SeriesFacts, guess_phases


def main() -> None:
    """Print the descriptions that are called arterial, and how many of each phase there are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("even", "odd"), default="odd")
    half = parser.parse_args().half
    shared = Path(os.environ.get("SUMDIAM_SHARED", "../shared"))
    table = shared / "data" / "idc_metadata" / "ctmr_descriptions.csv.gz"
    with gzip.open(table, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    counts: collections.Counter[str] = collections.Counter()
    series = 0
    for row in rows:
        digest = hashlib.sha256(row["SeriesDescription"].encode()).hexdigest()
        if ("even", "odd")[int(digest[-1], 16) % 2] != half:
            continue
        facts = SeriesFacts("v", row["SeriesDescription"], modality=row["Modality"])
        guess = guess_phases([facts])["v"]
        counts[guess.phase] += 1
        if guess.phase in ARTERIAL:
            series += int(row["n_series"])
            print(
                f"{guess.phase}\t{row['Modality']}\t{row['SeriesDescription']}\t{row['n_series']}"
            )
    print(f"{sum(counts.values())} descriptions of the {half} half: {dict(sorted(counts.items()))}")
    print(f"called arterial: {sum(counts[p] for p in ARTERIAL)} descriptions, {series} series")


if __name__ == "__main__":
    main()
