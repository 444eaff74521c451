"""Calls made in a process of their own, with caps on time and memory: it may die of a file.

The one room for all that reads what others wrote: headers (`sumdiam.archive.reader_pool`), pixel
data (`imaging.decoder_client`) and masks (`imaging.mask_client`). A child is started with the
first call, kept for the next, and replaced when a file made it crash, hang or run out of memory.

It guards against damage: a crash, a hang, a bomb. It is no jail for hostile code, whose answers
are unpickled like all others.
"""

from __future__ import annotations

import atexit
import mmap
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any, Literal, ParamSpec, TypeVar

from imaging import capped_worker as worker
from imaging.reason import ReasonedError

Given = ParamSpec("Given")
Answer = TypeVar("Answer")
Cause = Literal["time", "memory", "crash", "failed"]

COMMAND: tuple[str, ...] = (sys.executable, "-m", "imaging.capped_worker")
_SHARED_STEP, _MOST_SHARED = 1 << 20, 64 << 20
_CALM = {
    # one call at a time: more threads would only take address space
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # asks glibc to keep what one slice took for the next, instead of mapping it anew each time
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
}


@dataclass(frozen=True, slots=True)
class Caps:
    """What one call may take: wall-clock seconds, and bytes beyond what the child has by then."""

    seconds: float
    memory_bytes: int


class CapError(Exception):
    """A call that gave no answer.

    Parameters
    ----------
    cause : ``time`` or ``memory`` (a cap was reached), ``crash`` (the child ended) or ``failed``
        (an exception that is no refusal)
    detail : what happened, in words that name no person
    """

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(cause, detail)
        self.cause: Cause = cause
        self.detail = detail


class ChildStartError(OSError):
    """No child can be started, or it ends before it was asked anything."""


class CappedProcess:
    """A child that does one call at a time.

    Parameters
    ----------
    command : sequence of str
        What to start; it is given the number of a file for shared memory.

    Raises
    ------
    ChildStartError
        Else every file would be taken for one that ends the process.
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        path = os.pathsep.join(part or os.getcwd() for part in sys.path)  # noqa: PTH109
        self._shared = os.memfd_create("answers") if sys.platform == "linux" else -1
        self._memory: mmap.mmap | None = None
        self._ended = False
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own module
                [*command, str(self._shared)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": path} | _CALM,
                bufsize=0,
                pass_fds=(self._shared,) if self._shared >= 0 else (),
            )
        except OSError as error:
            self._close_shared()
            msg = f"no process can be started to read files ({error.strerror})."
            raise ChildStartError(msg) from None
        if self.process.stdin is None or self.process.stdout is None:
            msg = "the process that reads files has no pipes"
            raise ChildStartError(msg)
        self._requests, self._answers = self.process.stdin, self.process.stdout
        said = bytearray(len(worker.READY))
        try:
            _fill(self._answers, said)
        except EOFError:
            self.end()
            msg = "the process that reads files ends at once. Run `sumdiam doctor`."
            raise ChildStartError(msg) from None

    def call(
        self,
        function: Callable[..., Answer],
        arguments: tuple[object, ...],
        caps: Caps,
        shared_bytes: int = 0,
    ) -> Answer:
        """Return what a function of a module returns; see `call_apart`.

        Raises
        ------
        CapError
            The child is dead then, unless the cause is ``memory`` or ``failed``.
        """
        body = pickle.dumps((function, arguments))
        size = self._room_for(shared_bytes)
        try:
            head = worker.REQUEST.pack(len(body), caps.seconds, caps.memory_bytes, size)
            _write(self._requests, head + body)
            answer = self._answer(size)
        except (OSError, EOFError, ValueError):  # of ours, a pipe that another thread has closed
            raise self._death(caps) from None
        kind, value = answer
        if kind == worker.OUT_OF_MEMORY:
            raise CapError("memory", f"over {caps.memory_bytes >> 20} MB")
        if kind == worker.FAILED:
            raise CapError("failed", str(value))
        if kind == worker.RAISED and isinstance(value, ReasonedError):
            raise value
        return value  # type: ignore[no-any-return]

    def _answer(self, size: int) -> tuple[bytes, Any]:
        """Return the kind of an answer, and the answer."""
        head = bytearray(worker.ANSWER.size)
        _fill(self._answers, head)
        kind, length, count = worker.ANSWER.unpack(head)
        listed = bytearray(count * worker.SIZE.size)
        _fill(self._answers, listed)
        sizes = [one for (one,) in worker.SIZE.iter_unpack(listed)]
        written = bytearray(length)
        _fill(self._answers, written)
        buffers = [bytearray(one) for one in sizes]
        if self._memory is not None and buffers and sum(sizes) <= size:
            at = 0
            for buffer in buffers:
                buffer[:] = memoryview(self._memory)[at : at + len(buffer)]
                at += len(buffer)
        else:
            for buffer in buffers:
                _fill(self._answers, buffer)
        return kind, pickle.loads(written, buffers=buffers)  # noqa: S301 - from our own process

    def _death(self, caps: Caps) -> CapError:
        """Return how the child ended."""
        status = self.end()
        if status == -getattr(signal, "SIGALRM", 0):
            return CapError("time", f"over {caps.seconds:g} s")
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit code {status}"
        return CapError("crash", how)

    def _room_for(self, wanted: int) -> int:
        """Return the bytes of shared memory: enough for what is wanted, if that is not much."""
        there = 0 if self._memory is None else len(self._memory)
        if self._shared >= 0 and there < wanted <= _MOST_SHARED:
            there = -(-wanted // _SHARED_STEP) * _SHARED_STEP
            os.ftruncate(self._shared, there)
            self._memory = mmap.mmap(self._shared, there)
        return there

    def let_go(self) -> None:
        """Close our ends of the pipes."""
        self._requests.close()
        self._answers.close()
        self._close_shared()

    def _close_shared(self) -> None:
        """Close the file of the shared memory."""
        if self._shared >= 0:
            os.close(self._shared)
            self._shared = -1

    def end(self) -> int:
        """Let the child end, or end it; return how it ended."""
        self.let_go()
        try:
            return self.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End the child at once, from any thread; return how it ended."""
        self.process.kill()
        return self.process.wait()


class _Idle:
    """Children that wait for the next call of this process."""

    def __init__(self) -> None:
        self._waiting: list[CappedProcess] = []
        self._lock = threading.Lock()

    def take(self) -> CappedProcess:
        """Return one that waits, or a new one."""
        with self._lock:
            child = self._waiting.pop() if self._waiting else None
        return child or CappedProcess()

    def give(self, child: CappedProcess) -> None:
        """Let one wait for the next call."""
        with self._lock:
            self._waiting.append(child)

    def end(self) -> None:
        """End all that wait."""
        with self._lock:
            ended, self._waiting = self._waiting, []
        for child in ended:
            child.end()

    def forget(self) -> None:
        """Let go of another process's children, after a fork."""
        self._lock = threading.Lock()
        left, self._waiting = self._waiting, []
        for child in left:
            child.let_go()
            child.process.returncode = 0  # it is not ours to wait for


_IDLE = _Idle()
atexit.register(_IDLE.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_IDLE.forget)


def call_apart(
    caps: Caps, shared_bytes: int, function: Callable[Given, Answer], *args: Given.args,
    **kwargs: Given.kwargs,
) -> Answer:  # fmt: skip
    """Return what a function returns that is called in a child.

    Parameters
    ----------
    caps : Caps
    shared_bytes : int
        How large the arrays of the answer are, where that is known and speed matters; else 0.
    function : callable
        Of a module, named there; with arguments and an answer that can be pickled. Positional
        arguments only.

    Raises
    ------
    ReasonedError
        As the function raises it.
    CapError
    ChildStartError

    Notes
    -----
    May be called from several threads; each then has a child of its own. A child may also be
    killed by another than the file: only a crash in a fresh one is the file's.
    """
    assert not kwargs  # noqa: S101 - a slip of ours
    for fresh in (False, True):
        child = CappedProcess() if fresh else _IDLE.take()
        try:
            answer = child.call(function, args, caps, shared_bytes)
        except ReasonedError:
            _IDLE.give(child)
            raise
        except CapError as error:
            if error.cause in ("memory", "failed"):
                _IDLE.give(child)
            if error.cause != "crash" or fresh:
                raise
        except BaseException:  # interrupted: what it would answer belongs to no request
            child.kill()
            child.end()
            raise
        else:
            _IDLE.give(child)
            return answer
    raise AssertionError  # pragma: no cover - the second round returns or raises


def _write(pipe: IO[bytes], data: bytes) -> None:
    """Write all bytes to a pipe."""
    left = memoryview(data)
    while left:
        left = left[pipe.write(left) :]


def _fill(pipe: IO[bytes], data: bytearray) -> None:
    """Read from a pipe until a buffer is full.

    Raises
    ------
    EOFError
    """
    left = memoryview(data)
    while left:
        count = pipe.readinto(left)  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        left = left[count:]
