"""What is wrong inside a mask file, told by reason code until its file is known."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imaging.exception_word import exception_words
from imaging.mask import MaskError


class MaskFault(ValueError):  # noqa: N818 - becomes a MaskError where the file is known
    """A part of a mask file that cannot be used: reason code and detail."""

    def __init__(self, reason_code: str, detail: str) -> None:
        super().__init__(reason_code, detail)
        self.reason_code = reason_code
        self.detail = detail


@contextmanager
def refusing(path: str | Path) -> Iterator[None]:
    """Turn whatever damaged bytes raise into a `MaskError` of this file.

    Warnings of the parsers are silenced: they speak of values that are judged here.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MaskError:
        raise
    except MaskFault as fault:
        raise MaskError(fault.reason_code, str(path), fault.detail) from None
    except MemoryError:
        raise MaskError("mask_unreadable", str(path), "more voxels than memory") from None
    except OSError as error:
        raise MaskError("unreadable_file", str(path), exception_words(error)) from error
    except Exception as error:
        raise MaskError("mask_unreadable", str(path), exception_words(error)) from error
