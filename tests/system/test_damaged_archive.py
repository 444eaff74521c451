"""The whole trial with damaged files: exactly the damaged studies are refused or flagged."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.system import damage_kinds as kinds
from tests.system.damage_kinds import Spot
from tests.system.job import EXIT_REFUSED, Trial
from tests.system.test_person import Rows, by_subject, read

pytestmark = pytest.mark.slow
SEEDS = [int(seed) for seed in os.environ.get("SUMDIAM_DAMAGE_SEEDS", "1").split()]
DAMAGED = 14
COPIES = 5
SUBJECTS = 10
"""So many of the 24 subjects have the damaged studies: the responses of the others must not move."""
ONE_OF_EACH: tuple[Sequence[Callable[[Spot], None]], ...] = (
    (kinds.cut_by_one_byte, kinds.cut_in_half),
    (kinds.cut_in_header, kinds.emptied, kinds.header_overwritten, kinds.all_overwritten),
    (kinds.missing,),
    (kinds.doubled_with_other_pixels, kinds.same_uid_other_pixels),
    (kinds.foreign_in_its_place,),
    (kinds.foreign_in_this_series, kinds.foreign_in_this_study, kinds.named_another),
    kinds.OF_A_MASK,
)
"""What the specification names comes in every seed; the rest is drawn from all kinds."""


@dataclass(frozen=True)
class Damage:
    """What was done where, for messages."""

    kind: str
    spot: Spot

    def __str__(self) -> str:
        return f"{self.kind} at {self.spot.slice.relative_to(self.spot.study.parents[1])}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """All 24 subjects, written once."""
    from sumdiam.demo.archive import write_archive
    from sumdiam.demo.trial import load_trial
    from sumdiam.demo.truth_table import write_inputs

    subjects = load_trial()
    folder = tmp_path_factory.mktemp("whole")
    write_archive(subjects, folder / "archive", workers=2)
    write_inputs(subjects, folder)
    return Trial(folder)


@pytest.fixture(scope="module")
def undamaged(whole: Trial, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undamaged") / "run"
    done = whole.run(out, "--workers", "2")
    assert done.returncode == EXIT_REFUSED, done.stdout + done.stderr
    return out


def study_uid(study: Path) -> str:
    return str(dcmread(study / "masks.dcm", stop_before_pixels=True).StudyInstanceUID)


def studies(run: Path) -> dict[str, dict[str, str]]:
    return {row["study_uid"]: row for row in read(run / "tables" / "studies.csv")}


def measured(run: Path) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for row in read(run / "tables" / "measurements.csv"):
        found.setdefault(row["study_uid"], []).append(row)
    return found


def flags(rows: Rows) -> set[str]:
    return {flag for row in rows for flag in row["flags"].split(";") if flag}


def spread_damage(
    archive: Path, pristine: Path, done: set[str], chance: random.Random
) -> dict[str, Damage]:
    """Damage randomly chosen studies, each in one way; return what was done, by study UID."""
    everything = sorted(path.parent for path in archive.rglob("masks.dcm"))
    subjects = chance.sample(sorted({study.parent.name for study in everything}), SUBJECTS)
    free = [s for s in everything if s.parent.name in subjects and study_uid(s) in done]
    chosen = [chance.choice(list(choice)) for choice in ONE_OF_EACH]
    rest = [kind for kind in kinds.DAMAGES if kind not in chosen]
    chosen += chance.sample(rest, DAMAGED - len(chosen))
    damages = {}
    for kind in chosen:
        study = free.pop(chance.randrange(len(free)))
        phases = [phase for phase in kinds.PHASES if (study / phase).is_dir()]
        if kind is kinds.phase_missing:  # that there was a portal venous phase, nothing says
            phases = phases[:2]
        phase = chance.choice(phases)
        slices = sorted((study / phase).glob("*.dcm"))
        place = slices[chance.choice([0, len(slices) // 2, len(slices) - 1])]
        other = pristine / chance.choice(
            [s for s in everything if s.parent.name not in subjects and (s / phase).is_dir()]
        ).relative_to(archive)
        uid = study_uid(study)
        spot = Spot(study, phase, place, other, chance)
        kind(spot)
        damages[uid] = Damage(kind.__name__, spot)
    return damages


def add_copies(archive: Path, damaged: set[str], chance: random.Random) -> int:
    """Copy slices of whole studies, beside themselves or to another subject; return how many."""
    whole = [
        path.parent for path in sorted(archive.rglob("masks.dcm"))
        if path.parent.parent.name not in damaged
    ]  # fmt: skip
    for kind in kinds.HARMLESS:
        for study in chance.sample(whole[1:], COPIES):
            phase = chance.choice(kinds.PHASES[:2])
            place = chance.choice(sorted((study / phase).glob("[0-9]*.dcm")))
            other = next(s for s in whole if s.parent != study.parent)
            kind(Spot(study, phase, place, other, chance))
    return len(kinds.HARMLESS) * COPIES


def duplicates(run: Path) -> int:
    codes = [row["reason_code"] for row in read(run / "tables" / "left_out.csv")]
    return codes.count("duplicate")


@pytest.mark.parametrize("seed", SEEDS)
def test_exactly_the_damaged_studies_are_refused_or_flagged(
    whole: Trial, undamaged: Path, tmp_path: Path, seed: int
):
    archive = kinds.linked_copy(whole.archive, tmp_path / "archive")
    before, was = studies(undamaged), measured(undamaged)
    done = {uid for uid, row in before.items() if row["status"] == "done"}
    chance = random.Random(seed)
    damages = spread_damage(archive, whole.archive, done, chance)
    hurt = {damage.spot.study.parent.name for damage in damages.values()}
    copies = add_copies(archive, hurt, chance)
    run = tmp_path / "run"
    ended = whole.run(run, "--workers", "2", archive=archive)
    told = ended.stdout + ended.stderr
    assert ended.returncode == EXIT_REFUSED, told
    after, now = studies(run), measured(run)
    problems = read(run / "tables" / "problems.csv")

    assert set(after) == set(before), "no study is lost, none appears"
    for uid, damage in damages.items():
        row = after[uid]
        if row["status"] == "refused":
            assert row["reason_code"], damage
            assert row["reason"], damage
            assert uid not in now, damage
        else:
            new_flags = flags(now.get(uid, [])) - flags(was.get(uid, []))
            assert row["status"] == "done", damage
            assert row["notes"] != before[uid]["notes"] or new_flags, f"{damage} is not told"
    named = {
        uid for uid in after
        for p in problems
        if uid in p["where"] or uid in p["sentence"]
    }  # fmt: skip
    already = {uid for uid, row in before.items() if row["status"] != "done"}
    assert named - already <= set(damages), "only damaged studies are complained of"
    for uid in set(before) - set(damages):
        assert after[uid] == before[uid]
        assert now.get(uid) == was.get(uid), uid
    old, new = (by_subject(read(f / "tables" / "responses.csv")) for f in (undamaged, run))
    assert len(set(old) - hurt) >= len(old) - SUBJECTS
    for subject in set(old) - hurt:
        assert new[subject] == old[subject]
    verbatim = ("foreign_in_its_place", "mask_of_another")
    copies += sum(damage.kind in verbatim for damage in damages.values())
    assert duplicates(run) - duplicates(undamaged) == copies, "copies are only listed"
