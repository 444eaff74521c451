"""What an exception of a parser says to a person: in words, and without what it may quote."""

from __future__ import annotations

import gzip
import os
import struct
import zlib

_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (gzip.BadGzipFile, "what should be packed by gzip is not"),
    (zlib.error, "what is packed in it cannot be unpacked"),
    (EOFError, "it ends too early"),
    (struct.error, "it ends within a number"),
    (UnicodeError, "a text in it is in no known script"),
    (RecursionError, "its items lie too deep in each other"),
    (MemoryError, "it would take more memory than there is"),
    (OverflowError, "a number in it is out of range"),
    (ZeroDivisionError, "a size or a step in it is zero"),
    (KeyError, "a part that others refer to is missing"),
    (IndexError, "a list in it is too short"),
    (NotImplementedError, "it is of a kind that is not read"),
    (RuntimeError, "the library that reads it gave up"),
    (TypeError, "a value in it is of the wrong kind, or missing"),
    (ValueError, "a value in it cannot be meant"),
)
"""The first that fits; texts of exceptions may quote a patient's name, and are not passed on."""


def exception_words(error: BaseException) -> str:
    """Return in words what went wrong; it names attributes of DICOM, never their values.

    Examples
    --------
    >>> exception_words(EOFError("Doe^Jane"))
    'it ends too early'
    >>> exception_words(FileNotFoundError(2, "x"))
    'No such file or directory'
    """
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno)
    if isinstance(error, AttributeError):
        name = error.name or ""
        return f"{name} is missing" if name[:1].isupper() else "a part of it is missing"
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    return f"reading it failed ({type(error).__name__})"
