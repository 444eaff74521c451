"""Decoding in a process of its own: no file can take the process that reads it along.

The decoding process is started with the first compressed slice, kept for the next, and replaced
when a file made it crash, hang or run out of memory. Uncompressed slices never come here.
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
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from imaging.decoder_process import ANSWER, REFUSAL, REQUEST
from imaging.element import uid_name
from imaging.header import InstanceHeader
from imaging.pixel_error import PixelError

_SHARED_STEP, _MOST_SHARED = 1 << 20, 64 << 20
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}
"""Asks glibc to keep what one slice took for the next, instead of mapping it anew each time."""


@dataclass(frozen=True, slots=True)
class DecoderLimits:
    """What one slice may take: wall-clock seconds, and memory beyond twice its file, in bytes."""

    seconds: float = 30.0
    memory_bytes: int = 768 << 20


LIMITS = DecoderLimits()


class _EndedError(Exception):
    """The decoding process ended without an answer."""


class _Decoder:
    """A running decoding process."""

    def __init__(self) -> None:
        environment = dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(part or os.getcwd() for part in sys.path)  # noqa: PTH109
        # one slice at a time: more threads would only take address space
        environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        environment |= _KEEP_MEMORY
        self._shared = os.memfd_create("words") if sys.platform == "linux" else -1
        self._memory: mmap.mmap | None = None
        self.process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "imaging.decoder_process", str(self._shared)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            bufsize=0,
            pass_fds=(self._shared,) if self._shared >= 0 else (),
        )
        if self.process.stdin is None or self.process.stdout is None:
            msg = "the decoding process has no pipes"
            raise OSError(msg)
        self._requests, self._answers = self.process.stdin, self.process.stdout

    def ask(self, header: InstanceHeader, limits: DecoderLimits) -> NDArray[np.integer]:
        """Return the words of a slice."""
        body = pickle.dumps(header)
        room = limits.memory_bytes + 2 * header.file_bytes
        size = self._room_for(header)
        try:
            _write(self._requests, REQUEST.pack(len(body), limits.seconds, room, size) + body)
            head = bytearray(ANSWER.size)
            _fill(self._answers, head)
            kind, width, length = ANSWER.unpack(head)
            words = np.empty(length, dtype=np.uint8)
            if kind != REFUSAL and self._memory is not None and length <= size:
                words.data[:] = memoryview(self._memory)[:length]
            else:
                _fill(self._answers, words.data)
        except OSError as error:
            raise _EndedError from error
        if kind == REFUSAL:
            code, detail = pickle.loads(words.tobytes())  # noqa: S301 - from our own process
            raise PixelError(code, header.file, detail)
        return words.view(f"{kind.decode()}{width}").reshape(header.rows or 0, header.columns or 0)

    def _room_for(self, header: InstanceHeader) -> int:
        """Return the bytes of shared memory: enough for a slice of ordinary size."""
        wanted = (header.rows or 0) * (header.columns or 0) * ((header.bits_allocated or 8) // 8)
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
        if self._shared >= 0:
            os.close(self._shared)
            self._shared = -1

    def end(self) -> int:
        """End the process; return how it ended."""
        self.let_go()
        try:
            return self.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class _Idle:
    """Decoding processes that wait for the next slice of this process."""

    def __init__(self) -> None:
        self._waiting: list[_Decoder] = []
        self._lock = threading.Lock()

    def take(self) -> _Decoder:
        """Return one that waits, or a new one."""
        with self._lock:
            decoder = self._waiting.pop() if self._waiting else None
        return decoder or _Decoder()

    def give(self, decoder: _Decoder) -> None:
        """Let one wait for the next slice."""
        with self._lock:
            self._waiting.append(decoder)

    def end(self) -> None:
        """End all that wait."""
        with self._lock:
            ended, self._waiting = self._waiting, []
        for decoder in ended:
            decoder.end()

    def forget(self) -> None:
        """Let go of another process's decoders, after a fork."""
        self._lock = threading.Lock()
        left, self._waiting = self._waiting, []
        for decoder in left:
            decoder.let_go()
            decoder.process.returncode = 0  # it is not ours to wait for


_IDLE = _Idle()
atexit.register(_IDLE.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_IDLE.forget)


def decode_apart(header: InstanceHeader, limits: DecoderLimits = LIMITS) -> NDArray[np.integer]:
    """Return the (rows, columns) stored words of a compressed or deflated slice.

    Raises
    ------
    PixelError
        ``pixel_data_undecodable``, ``file_changed``; ``decoder_crashed``, ``decoder_time`` or
        ``decoder_memory`` where the file ended the process that decodes it, or would have.
    OSError
        If no process can be started.

    Notes
    -----
    May be called from several threads; each then has a decoding process of its own. A process may
    also be killed by another than the file: only a crash in a fresh one is the file's.
    """
    name = uid_name(header.transfer_syntax)
    for fresh in (False, True):
        decoder = _Decoder() if fresh else _IDLE.take()
        try:
            words = decoder.ask(header, limits)
        except PixelError:
            _IDLE.give(decoder)
            raise
        except _EndedError:
            status = decoder.end()
            if status == -getattr(signal, "SIGALRM", 0):
                raise PixelError(
                    "decoder_time", header.file, f"{name}: over {limits.seconds:g} s"
                ) from None
        except BaseException:  # interrupted: what it would answer belongs to no request
            decoder.process.kill()
            decoder.end()
            raise
        else:
            _IDLE.give(decoder)
            return words
    raise PixelError("decoder_crashed", header.file, f"{name}: {_how(status)}")


def _how(status: int) -> str:
    """Return how a process ended, in words."""
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit code {status}"


def _write(pipe: IO[bytes], data: bytes) -> None:
    """Write all bytes to a pipe."""
    left = memoryview(data)
    while left:
        left = left[pipe.write(left) :]


def _fill(pipe: IO[bytes], data: bytearray | memoryview) -> None:
    """Read from a pipe until a buffer is full."""
    left = memoryview(data)
    while left:
        count = pipe.readinto(left)  # type: ignore[attr-defined]
        if not count:
            raise _EndedError
        left = left[count:]
