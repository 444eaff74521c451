"""Studies onto workers: dask carries them, the ledger remembers them.

The scheduler keeps nothing that matters: what is leased and not recorded is simply measured again.
"""

from __future__ import annotations

import math
import os
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from sumdiam.batch.pool import PATIENCE_SECONDS, Pool, ScheduleError

if TYPE_CHECKING:
    from distributed import Future

TIME_LIMIT_SECONDS = 1800.0
"""After this a study on our own workers is stopped: a native decoder may hang for ever."""
LAST_ATTEMPT = 3
_RESTART_SECONDS = 0.05
_LOOK_SECONDS = 5.0
_LOST_SECONDS = 20.0
_OUR_PACKAGES = frozenset({"imaging", "measurement", "assessment", "stats", "sumdiam"})

Task = TypeVar("Task", bound="Study")
Result = TypeVar("Result")
Given_contra = TypeVar("Given_contra", contravariant=True)


class Study(Protocol):
    """What the schedule needs to know of a task; it must also be picklable."""

    @property
    def study_uid(self) -> str:
        """StudyInstanceUID."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that ended without a result; not the data's refusal, which is a result."""

    reason: str
    notes: str | None = None


class Journal(Protocol[Given_contra]):
    """Who is told what happens, always in the process that drives the run."""

    def leased(self, study_uids: Sequence[str]) -> None:
        """Take note that these studies are about to be measured."""

    def finished(self, result: Given_contra) -> None:
        """Keep the result of a study."""

    def failed(self, study_uid: str, failure: Failure) -> bool:
        """Count a failed attempt; return whether to try again."""


def measure_all(
    pool: Pool,
    tasks: Iterable[Task],
    work: Callable[[Task], Result],
    journal: Journal[Result],
    *,
    time_limit_seconds: float = TIME_LIMIT_SECONDS,
) -> None:
    """Measure every study, whatever happens to single ones.

    Notes
    -----
    Every worker has one study at a time, and gets the next when its result has left it: so memory
    stays bounded, and a study that takes its worker along takes no other study or result with
    it, as a rule. A study that fails is tried again after all others. Its last attempt it makes
    alone: only what fails with no other beside it has surely done it.
    """
    wave = list(tasks)
    limit = None if pool.cluster is None else time_limit_seconds
    for attempt in range(1, LAST_ATTEMPT + 1):
        alone = attempt == LAST_ATTEMPT
        wave = _Wave(pool, work, journal, limit, alone, _Watch(limit)).run(wave)
        if not wave:
            return


class _Watch:
    """Notices that nothing moves any more."""

    def __init__(self, limit: float | None) -> None:
        self._patience = math.inf if limit is None else limit + _LOST_SECONDS
        self._moved = self._peopled = time.monotonic()

    def stalled(self, pool: Pool, *, progress: bool) -> bool:
        """Whether our workers are gone or stuck, and new ones are wanted.

        Raises
        ------
        ScheduleError
            If a cluster that is not ours has had no worker for too long.
        """
        now = time.monotonic()
        if progress:
            self._moved = self._peopled = now
            return False
        if pool.size():
            self._peopled = now
        if pool.cluster is None:
            if now - self._peopled > PATIENCE_SECONDS:
                msg = (
                    f"the cluster has had no worker for {PATIENCE_SECONDS:.0f} s. What is "
                    "measured is kept: start workers and call again."
                )
                raise ScheduleError(msg)
            return False
        if now - self._peopled > _LOST_SECONDS or now - self._moved > self._patience:
            self._moved = self._peopled = now
            return True
        return False


@dataclass
class _Wave(Generic[Task, Result]):
    """One attempt at a list of studies."""

    pool: Pool
    work: Callable[[Task], Result]
    journal: Journal[Result]
    limit: float | None
    alone: bool
    watch: _Watch

    def run(self, tasks: Sequence[Task]) -> list[Task]:
        """Return the studies to try again."""
        waiting = deque(tasks)
        under_way: dict[Future[Any], Task] = {}
        again: list[Task] = []
        try:
            while waiting or under_way:
                self._submit(waiting, under_way)
                ended = [
                    (under_way.pop(future), _outcome(future)) for future in self._ended(under_way)
                ]
                self._submit(waiting, under_way)  # before writing, so that no worker is idle
                again += [task for task, outcome in ended if not self._record(task, outcome)]
                if self.watch.stalled(self.pool, progress=bool(ended)):
                    waiting.extendleft(under_way.values())
                    under_way.clear()
                    self.pool.revive()
        finally:
            for future in under_way:
                with suppress(Exception):  # the run is ending by an error of its own
                    future.cancel(force=True)
        return sorted(again, key=lambda task: task.study_uid)

    def _ended(self, under_way: Mapping[Future[Any], Task]) -> list[Future[Any]]:
        """Wait a little and return what has ended, in the order of submission."""
        from distributed import wait

        if not under_way:  # all workers are being restarted
            time.sleep(_RESTART_SECONDS)
            return []
        try:
            with self.pool.client.as_current():  # wait asks for the client at hand
                done = wait(
                    list(under_way), timeout=_LOOK_SECONDS, return_when="FIRST_COMPLETED"
                ).done
        except TimeoutError:
            return []
        return [future for future in under_way if future in done]

    def _submit(self, waiting: deque[Task], under_way: dict[Future[Any], Task]) -> None:
        """Lease as many studies as there is room for and send them off."""
        # asked each time: a worker that died is no room until it is back
        room = min(self.pool.size(), 1) if self.alone else self.pool.size()
        free = min(room - len(under_way), len(waiting))
        if free <= 0:
            return
        taken = [waiting.popleft() for _ in range(free)]
        self.journal.leased([task.study_uid for task in taken])
        for task in taken:
            future = self.pool.client.submit(
                _attempt, self.work, task, self.limit, pure=False, retries=0
            )
            under_way[future] = task

    def _record(self, task: Task, outcome: Result | Failure) -> bool:
        """Tell the journal how an attempt ended; return whether the study is finished with."""
        if isinstance(outcome, Failure):
            return not self.journal.failed(task.study_uid, outcome)
        self.journal.finished(outcome)
        return True


def _outcome(future: Future[Any]) -> Any:
    """Return what an attempt gave, a Failure where the worker itself was lost."""
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        return Failure(
            "the worker process ended while it held this study (memory, time limit or a crash of "
            "a native decoder)"
        )
    except Exception as error:  # noqa: BLE001 - exceptions of the study itself come as a Failure
        return Failure(f"the result did not arrive ({type(error).__name__})")
    finally:
        future.release()


def _attempt(work: Callable[[Task], Result], task: Task, limit: float | None) -> Result | Failure:
    """Measure one study on a worker; an exception comes back as words, as not all can travel."""
    with _time_limit(limit):
        try:
            return work(task)
        except Exception as error:  # noqa: BLE001 - one study's failure never ends the run
            return Failure(_in_words(error), _where(error))


def _in_words(error: Exception) -> str:
    """Return an exception as one line; only our own words, as others may quote a patient's name."""
    name = type(error).__name__
    if type(error).__module__.partition(".")[0] not in _OUR_PACKAGES:
        return f"{name}; this is a defect, or this machine lacks something: see the notes"
    return " ".join(f"{name}: {error}".split())[:500]


def _where(error: Exception) -> str:
    """Return the places in our code that an exception came through, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    return " > ".join(
        f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}"  # noqa: PTH119
        for frame in frames[-8:]
    )


@contextmanager
def _time_limit(seconds: float | None) -> Iterator[None]:
    """End this process if the block takes longer.

    The alarm's default action is the kernel's: it needs no Python, so it also ends native code
    that never comes back.
    """
    if seconds is None or not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
