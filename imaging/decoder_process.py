"""The process that decodes pixel data: it may crash, hang or run out of memory, and is replaced.

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

REQUEST = struct.Struct("<IdQQ")
"""Bytes of the pickled header, seconds and bytes allowed, bytes of shared memory."""
ANSWER = struct.Struct("<cBQ")
"""Kind of words (or ``!`` for a refusal), bytes in a word, bytes of them."""
REFUSAL = b"!"


class _Shared:
    """Memory that words are handed over in, where the system has files in memory."""

    def __init__(self, file: int) -> None:
        self._file, self._size = file, 0
        self._memory: mmap.mmap | None = None

    def place(self, words: memoryview, size: int) -> bool:
        """Put words there; return whether they fit."""
        if self._file < 0 or len(words) > size:
            return False
        if self._memory is None or self._size != size:
            self._memory, self._size = mmap.mmap(self._file, size), size
        self._memory[: len(words)] = words
        return True


def serve(shared_file: int) -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those who wait for the answer
    requests, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):  # native decoders print
        os.dup2(nowhere, stream)
    _without_core()
    shared = _Shared(shared_file)
    while _answer(requests, answers, shared):
        pass


def _answer(requests: BinaryIO, answers: int, shared: _Shared) -> bool:
    """Answer one request; return whether there was one."""
    from imaging.codec import decode_words
    from imaging.pixel_error import PixelError

    head = requests.read(REQUEST.size)
    if len(head) < REQUEST.size:
        return False
    length, seconds, room, size = REQUEST.unpack(head)
    header = pickle.loads(requests.read(length))  # noqa: S301 - from the process that started us
    limit(seconds, room)
    body = memoryview(b"")
    try:
        words = decode_words(header)
        kind = words.dtype.kind.encode()
        native = words.astype(words.dtype.newbyteorder("="), order="C", copy=False)
        head = ANSWER.pack(kind, native.itemsize, native.nbytes)
        body = native.data.cast("B")
        if shared.place(body, size):
            body = memoryview(b"")
    except PixelError as error:
        body = memoryview(pickle.dumps((error.reason_code, error.detail)))
        head = ANSWER.pack(REFUSAL, 1, len(body))
    limit(0, 0)
    try:
        for part in (memoryview(head), body):
            left = part
            while left:
                left = left[os.write(answers, left) :]
    except BrokenPipeError:  # nobody waits any more
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
