"""The child side of `imaging.capped_process`: does what it is asked, within caps, until it dies.

Requests come in on one pipe and answers leave by another; it ends when the pipe of requests does,
so it never outlives the process that started it by more than one request's time limit.
"""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import struct
import sys
from typing import BinaryIO

READY = b"ready"
"""What the process says once it can be asked."""
REQUEST = struct.Struct("<QdQQ")
"""Bytes of the pickled call, seconds and bytes allowed, bytes of shared memory."""
ANSWER = struct.Struct("<cQQ")
"""Kind of answer, bytes of the pickle, number of buffers, whose sizes follow."""
SIZE = struct.Struct("<Q")
RETURNED, RAISED, OUT_OF_MEMORY, FAILED = b"=", b"!", b"m", b"?"
"""A value; a refusal with its reason; no memory; another exception, in words."""


class _Shared:
    """Memory that buffers are handed over in, where the system has files in memory."""

    def __init__(self, file: int) -> None:
        self._file, self._size = file, 0
        self._memory: mmap.mmap | None = None

    def place(self, buffers: list[memoryview], size: int) -> bool:
        """Put buffers there one after the other; return whether they fit."""
        if self._file < 0 or not buffers or sum(map(len, buffers)) > size:
            return False
        if self._memory is None or self._size != size:
            self._memory, self._size = mmap.mmap(self._file, size), size
        at = 0
        for buffer in buffers:
            self._memory[at : at + len(buffer)] = buffer
            at += len(buffer)
        return True


def serve(shared_file: int) -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those who wait for the answer
    requests, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):  # what a library prints must not stand between the answers
        os.dup2(nowhere, stream)
    _without_core()
    shared = _Shared(shared_file)
    if _send(answers, [memoryview(READY)]):
        while _answer(requests, answers, shared):
            pass


def _answer(requests: BinaryIO, answers: int, shared: _Shared) -> bool:
    """Answer one request; return whether there was one."""
    head = requests.read(REQUEST.size)
    if len(head) < REQUEST.size:
        return False
    length, seconds, room, size = REQUEST.unpack(head)
    # loads the modules that are needed, before anything is capped
    function, arguments = pickle.loads(requests.read(length))  # noqa: S301 - from our own parent
    buffers: list[memoryview] = []

    def aside(buffer: pickle.PickleBuffer) -> None:
        buffers.append(buffer.raw())

    limit(seconds, room)
    try:
        kind, answer = _called(function, arguments)
        written = pickle.dumps(answer, protocol=5, buffer_callback=aside)
    except MemoryError:
        kind, written = OUT_OF_MEMORY, pickle.dumps(None)
        buffers.clear()
    limit(0, 0)
    sizes = b"".join(SIZE.pack(len(buffer)) for buffer in buffers)
    head = ANSWER.pack(kind, len(written), len(buffers)) + sizes
    parts = [memoryview(head), memoryview(written)]
    if not shared.place(buffers, size):
        parts += buffers
    return _send(answers, parts)


def _called(function: object, arguments: tuple[object, ...]) -> tuple[bytes, object]:
    """Return what a call gives, and of what kind that is."""
    from imaging.exception_word import exception_words
    from imaging.reason import ReasonedError

    try:
        return RETURNED, function(*arguments)  # type: ignore[operator]
    except ReasonedError as error:
        error.__cause__ = error.__context__ = None
        return RAISED, error
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whose words may name a person
        return FAILED, exception_words(error)


def _send(answers: int, parts: list[memoryview]) -> bool:
    """Write all bytes; return False where nobody waits for them any more."""
    try:
        for part in parts:
            left = part
            while left:
                left = left[os.write(answers, left) :]
    except BrokenPipeError:
        return False
    return True


def limit(seconds: float, room: int) -> None:
    """Allow the next request so much time and memory; 0 for no limit.

    The alarm's default action is the kernel's: it ends native code too. Memory is address space,
    beyond what the process has now.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = _address_space() + room if room else resource.RLIM_INFINITY
        if hard != resource.RLIM_INFINITY:
            most = hard if most == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _address_space() -> int:
    """Return the bytes of address space in use."""
    with open("/proc/self/statm", "rb") as stream:  # noqa: PTH123 - for each slice
        return int(stream.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _without_core() -> None:
    """Leave no core file behind: it would hold a patient's image."""
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


if __name__ == "__main__":
    serve(int(sys.argv[1]))
