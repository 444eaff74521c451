"""Compiled functions whose kept machine code never outlives a change of what they call.

numba keeps compiled code per source file and does not see that a function which it calls, in
another file, has changed (numba documentation, Caching: limitations). After an update the old
machine code would go on measuring without a word. So the folder in which it is kept bears a digest
of all the compiled sources of the package: any change of any of them compiles anew.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

import numba
from numba import config

Function = TypeVar("Function", bound=Callable[..., object])

MARK = b"import machine_code"
"""How a module takes this one in: `from imaging import machine_code`."""


def compiled(function: Function) -> Function:
    """Return a function as machine code, compiled at its first call and kept on disk.

    Notes
    -----
    Kept beside the modules in ``__pycache__``, or in ``NUMBA_CACHE_DIR`` where that is set; where
    neither can be written, in numba's folder of the user.

    Examples
    --------
    >>> from imaging import machine_code
    >>> @machine_code.compiled
    ... def twice(value: float) -> float:
    ...     return 2.0 * value
    >>> twice(1.5)
    3.0
    """
    before = config.CACHE_DIR
    source = sys.modules[function.__module__].__dict__.get("__file__")
    if source is None:  # typed by hand: there is no file beside which code could be kept
        return numba.njit(function)  # type: ignore[no-any-return]
    folder = Path(source).resolve().parent
    config.CACHE_DIR = str(kept_in(folder, before))
    try:
        return numba.njit(cache=True)(function)  # type: ignore[no-any-return]
    finally:
        config.CACHE_DIR = before


def kept_in(package: Path, chosen: str = "") -> Path:
    """Return the folder that keeps the machine code of a package's present sources.

    Parameters
    ----------
    package : folder of the modules
    chosen : the folder of the user's choice, if any
    """
    return Path(chosen or package / "__pycache__") / f"machine-code-{digest(package)}"


@cache
def digest(package: Path) -> str:
    """Return a digest of every module of a package that holds compiled functions."""
    found = hashlib.sha256()
    for path in sorted(package.glob("*.py")):
        text = path.read_bytes()
        if MARK in text:
            found.update(f"{path.name}\0{len(text)}\0".encode() + text)
    return found.hexdigest()[:16]


def inlined(function: Function) -> Function:
    """Return a function that is compiled into each compiled one that calls it.

    For what is called many thousand times in an inner loop: handing arrays over takes as long
    as looking at a few of their values.
    """
    return numba.njit(inline="always")(function)  # type: ignore[no-any-return]
