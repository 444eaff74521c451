"""Whether the tests notice each small change of the assessment: mutation testing.

    python -m benchmarks.mutation --session mutation.csv --report docs/mutation.md
        [--only response,sums,rules] [--again] [--most 100]
        [--tests overall_response,worked_patients] [--report-only]

The tests are collected once; each mutant lives in a forked process, which runs them until one
fails. What a mutant came to is a row of the session, written at once: a run goes on where the one
before it ended, and a changed function is tried anew. `--again` tries the survivors once more, for
instance after a test was added. With `--tests` or `--most` only what is killed has a row: what
survives a part of the tests is not tried yet. Hypothesis draws the same examples each time and does
not shrink.
"""

from __future__ import annotations

import argparse
import csv
import gc
import itertools
import os
import resource
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.mutant import Mutant, apply_code, mutants
from benchmarks.mutant_rules import apply_rules, rule_mutants
from benchmarks.mutation_replay import Recorder
from benchmarks.mutation_report import write_report

ROOT = Path(__file__).parents[1]
MODULES = ("response", "best_response", "sums", "depth", "endpoints", "targets")
TESTS = (
    "overall_response", "worked_patients", "exclusions", "mrecist", "targets", "criteria", "policy",
    "rule_oracle", "conformance", "reason", "probability", "visit_array", "best_response", "sums",
    "endpoints", "depth", "response_history", "target_oracle",
)  # fmt: skip
LIVER_TESTS = ("liver_function", "liver_table")
"""For the limits of liver function and stage, which no other test reads."""
SECONDS, BYTES = 40, 6 * 2**30
"""Beyond these a mutant counts as noticed: it never ends (processor time, as a busy machine says
nothing of it), or fills the memory."""
MOST = [10**6]
"""Beyond so many tests that may notice a mutant none is run: what survives so, may not at last."""
NEAR = 1000
"""A mutant of the same function that a test noticed counts as many of the same file."""
SHORT = "tests.assessment.conftest"
COLUMNS = [field.name for field in fields(Mutant)] + ["result", "by", "seconds"]

Named = Callable[[], Iterator[tuple[str, str | None]]] | None
"""Yields the tests that may notice a mutant, with what comes next; all may, where it is none."""
Try = tuple[Mutant, Callable[[], None]]


def tries(only: list[str]) -> Iterator[Try]:
    """Yield every mutant, with what makes the loaded program it; modules in the order asked for."""
    for module in only or MODULES:
        if module in MODULES:
            path = ROOT / "assessment" / f"{module}.py"
            for mutant, code in mutants(path, ROOT):
                name = f"assessment.{module}"
                yield mutant, lambda name=name, code=code: apply_code(name, code())
    for path in sorted((ROOT / "assessment" / "rules").glob("*.toml")):
        if not only or path.stem in only or "rules" in only:
            for mutant, changed in rule_mutants(path, ROOT):
                yield mutant, lambda path=path, changed=changed: apply_rules(path, changed)


def read_session(path: Path) -> dict[str, dict[str, str]]:
    """Return the last row of each mutant."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as handle:
        return {row["key"]: row for row in csv.DictReader(handle)}


def child(
    change: Callable[[], None], items: list[Any], session: Any, told: int, named: Named
) -> None:
    """Become the mutant, run the tests that may notice until one fails, and tell which."""
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silence, stream)
    gc.disable()
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        change()
    except Exception as error:  # noqa: BLE001
        os.write(told, f"loading: {type(error).__name__}".encode())
        os._exit(0)
    for item, following in to_run(items, named):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            os.write(told, item.nodeid.encode())
            os._exit(0)
    os._exit(0)


def to_run(items: list[Any], named: Named) -> Iterator[tuple[Any, Any]]:
    """Yield the tests that may notice a mutant, and which comes next if that is known."""
    if named is None:
        yield from zip(items, [*items[1:], None], strict=True)
        return
    by_name = {item.nodeid: item for item in items}
    for name, following in itertools.islice(named(), MOST[0]):
        if name in by_name:
            yield by_name[name], by_name.get(following)


def followers(items: list[Any], made: set[str]) -> dict[str, list[str]]:
    """Return of each test those behind it that rest on what a fixture did for it.

    In a file whose tests share a fixture, what the fixture does for several counts as done by the
    first of them: a test that makes no call of its own rests on the last that did.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for before, item in itertools.pairwise(items):
        if item.path != before.path or item.nodeid in made or not shares(item):
            continue
        first = next((name for name in found if before.nodeid in found[name]), before.nodeid)
        found[first].append(item.nodeid)
    return found


def shares(item: Any) -> bool:
    """Return whether a test shares a fixture with others of its file."""
    manager = item.session._fixturemanager  # noqa: SLF001
    found = (manager.getfixturedefs(name, item) for name in item.fixturenames)
    return any(fixture and fixture[-1].scope in {"module", "class"} for fixture in found)


def outcome(
    change: Callable[[], None], items: list[Any], session: Any, named: Named
) -> tuple[str, str]:
    """Return what became of a mutant, and by which test."""
    reads, writes = os.pipe()
    process = os.fork()
    if not process:
        try:
            child(change, items, session, writes, named)
        finally:
            os._exit(3)  # never back into the parent's loop
    os.close(writes)
    with os.fdopen(reads, "rb") as handle:
        by = handle.read().decode()
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        stopped = signal.Signals(os.WTERMSIG(status)).name
        return "killed", f"stopped: {stopped}"
    if os.WEXITSTATUS(status):
        return "killed", f"ended with {os.WEXITSTATUS(status)}"
    return ("killed" if by else "survived"), by


def tests_of(file: str, items: list[Any]) -> list[Any]:
    """Return the tests for the mutants of a file."""
    liver = {f"test_{name}.py" for name in LIVER_TESTS}
    about_liver = Path(file).stem in LIVER_TESTS
    return [item for item in items if (item.path.name in liver) == about_liver]


def keep_tables() -> None:
    """Let the tests' patients, written in short, be read once: no mutant changes how."""
    (short,) = (module for name, module in sys.modules.items() if name.endswith(SHORT))
    read, kept = short.tables, {}

    def tables(patients: list[dict[str, str]]) -> dict[str, Any]:
        key = repr(patients)
        if key not in kept:
            kept[key] = read(patients)
        return {name: frame.copy() for name, frame in kept[key].items()}

    short.tables = tables


class Runner:
    """Runs the mutants in the place of the tests."""

    def __init__(self, session_path: Path, only: list[str], *, again: bool, short: bool) -> None:
        self.path, self.only, self.again, self.short = session_path, only, again, short
        self.kills: dict[str, Counter[str]] = defaultdict(Counter)

    def pytest_collection(self) -> None:
        """Let hypothesis draw the same examples each time, before its tests are read."""
        from hypothesis import HealthCheck, Phase, settings

        settings.register_profile(
            "mutation", derandomize=True, database=None, deadline=None,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        settings.load_profile("mutation")

    def recorded(self, session: Any) -> Recorder:
        """Run every test once, unchanged, and keep the calls it makes."""
        keep_tables()
        chosen = [name for name in MODULES if not self.only or name in self.only]
        recorder = Recorder([f"assessment.{name}" for name in chosen])
        for item, following in zip(session.items, [*session.items[1:], None], strict=True):
            protocol = item.config.hook.pytest_runtest_protocol
            recorder.run(item.nodeid, partial(protocol, item=item, nextitem=following))
        if session.testsfailed:
            sys.exit("a test fails without any change: mend it first")
        made = {call.test for calls in recorder.calls.values() for call in calls}
        recorder.followers = followers(session.items, made)
        return recorder

    def near(self, mutant: Mutant) -> Counter[str]:
        """Return how many mutants each test noticed, those of the same function first."""
        found = self.kills[mutant.file] + self.kills[mutant.file + mutant.function]
        del found[""]
        return found

    def ordered(self, mutant: Mutant, items: list[Any], seconds: Mapping[str, float]) -> list[Any]:
        """Return the tests, those first that noticed most mutants so far for the time they take."""
        kills = self.near(mutant)
        first = sorted(
            (item for item in items if item.nodeid in kills),
            key=lambda item: -kills[item.nodeid] / seconds[item.nodeid],
        )[:20]
        chosen = set(first)
        return first + [item for item in items if item not in chosen]

    def pytest_runtestloop(self, session: Any) -> bool:
        """Try every mutant that has no row yet."""
        if session.testsfailed or not session.items:
            return True
        begun = time.monotonic()
        recorder = self.recorded(session)
        print(f"{sum(map(len, recorder.calls.values()))} calls kept in"
              f" {time.monotonic() - begun:.0f} s", flush=True)  # fmt: skip
        gc.freeze()
        done = read_session(self.path)
        for row in done.values():
            self.kills[row["file"] + row["function"]][row["by"]] += NEAR
            self.kills[row["file"]][row["by"]] += 1
        new = not self.path.exists()
        with self.path.open("a", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
            if new:
                writer.writeheader()
            for mutant, change in tries(self.only):
                row = done.get(mutant.key)
                if row and not (self.again and row["result"] == "survived"):
                    continue
                begun = time.monotonic()
                where = mutant.file + mutant.function
                tests = tests_of(mutant.file, session.items)
                named = recorder.naming(mutant, self.near(mutant))
                ordered = self.ordered(mutant, tests, recorder.seconds)
                found, by = outcome(change, ordered, session, named)
                self.kills[where][by] += NEAR
                self.kills[mutant.file][by] += 1
                seconds = f"{time.monotonic() - begun:.2f}"
                if found == "killed" or not self.short:
                    row = {"result": found, "by": by, "seconds": seconds}
                    writer.writerow(asdict(mutant) | row)
                    handle.flush()
                if found == "survived":
                    print(f"{mutant.file}:{mutant.line} {mutant.function}: {mutant.before}"
                          f"  ->  {mutant.after}", flush=True)  # fmt: skip
        return True


def main() -> None:
    """Run what is left, then write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--session", type=Path, required=True)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--tests", default="")
    parser.add_argument("--most", type=int, default=10**6)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--report-only", action="store_true")
    given = parser.parse_args()
    MOST[0] = given.most
    only = [word for word in given.only.split(",") if word]
    if not given.report_only:
        names = [name for name in given.tests.split(",") if name] or [*TESTS, *LIVER_TESTS]
        chosen = [str(ROOT / "tests" / "assessment" / f"test_{name}.py") for name in names]
        options = [
            "-q",
            "-W",
            "ignore:Module already imported",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:terminalreporter",
            "-m",
            "not slow",
        ]
        short = bool(given.tests) or given.most < 10**6
        runner = Runner(given.session, only, again=given.again, short=short)
        code = pytest.main([*options, *chosen], [runner])
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            sys.exit(int(code))
    if given.report:
        rows = read_session(given.session)
        write_report(given.report, [mutant for mutant, _ in tries([])], rows)


if __name__ == "__main__":
    main()
