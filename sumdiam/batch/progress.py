"""What a person sees while a run is at work: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY_SECONDS = 10.0


class Stage(Protocol):
    """One step of a run."""

    def advance(self, steps: int = 1) -> None:
        """Say that so many more pieces are done."""

    def expect(self, total: int) -> None:
        """Say how many pieces there are, once that is known."""


class Reporter(Protocol):
    """Who tells a person how far a run is."""

    def stage(self, name: str, total: int | None = None) -> AbstractContextManager[Stage]:
        """Open a stage; it ends with the block."""

    def say(self, line: str) -> None:
        """Tell one line."""


class _Silence:
    """A stage that nobody watches."""

    def advance(self, steps: int = 1) -> None:
        """Do nothing."""

    def expect(self, total: int) -> None:
        """Do nothing."""


class SilentReporter:
    """A reporter that says nothing."""

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Stage]:  # noqa: ARG002
        """Open a stage that nobody watches."""
        yield _Silence()

    def say(self, line: str) -> None:
        """Do nothing."""


class _LineStage:
    """A stage told in lines, not more often than somebody reads them."""

    def __init__(self, name: str, total: int | None, out: TextIO) -> None:
        self._name = name
        self._total = total
        self._out = out
        self._done = 0
        self._told_at = time.monotonic()

    def advance(self, steps: int = 1) -> None:
        """Count, and tell now and then."""
        self._done += steps
        if time.monotonic() - self._told_at >= LINE_EVERY_SECONDS:
            self._told_at = time.monotonic()
            print(f"{self._name}: {self.counted()}", file=self._out, flush=True)

    def expect(self, total: int) -> None:
        """Set how many pieces there are."""
        self._total = total

    def counted(self) -> str:
        """Return how far it is."""
        return f"{self._done}" if self._total is None else f"{self._done} of {self._total}"


class LineReporter:
    """Stages as plain lines, for logs and pipes."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Stage]:
        """Tell the end of a stage, with its count and duration."""
        begun = time.monotonic()
        stage = _LineStage(name, total, self._out)
        yield stage
        self.say(f"{name}: {stage.counted()} in {time.monotonic() - begun:.1f} s")

    def say(self, line: str) -> None:
        """Print one line."""
        print(line, file=self._out, flush=True)


class _BarStage:
    """A stage as a bar."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        self._progress.advance(self._task, steps)

    def expect(self, total: int) -> None:
        """Set the end of the bar."""
        self._progress.update(self._task, total=total)


class BarReporter:
    """A bar per stage, on a terminal; a context manager, as it draws while it is open."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )

    def __enter__(self) -> BarReporter:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Stage]:
        """Show a bar; a stage whose end was not known is full when it is over."""
        task = self._progress.add_task(name, total=total)
        yield _BarStage(self._progress, task)
        state = next(item for item in self._progress.tasks if item.id == task)
        done = max(state.completed, 1)
        self._progress.update(task, completed=done, total=done)

    def say(self, line: str) -> None:
        """Print one line above the bars."""
        self._progress.console.print(line, markup=False, highlight=False)


@contextmanager
def reporter_for_screen() -> Iterator[Reporter]:
    """Return bars where somebody sits at a terminal, lines where not."""
    if not sys.stderr.isatty():
        yield LineReporter()
        return
    with BarReporter() as bars:
        yield bars
