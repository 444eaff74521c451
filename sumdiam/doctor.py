"""`sumdiam doctor`: what is installed, what collides, which codecs are there."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PACKAGES = ("imaging", "measurement", "assessment", "stats", "sumdiam")
LIBRARIES = (
    "pydicom", "highdicom", "simpleitk", "numpy", "scipy", "scikit-image", "numba", "pandas",
    "pandera", "pyarrow", "statsmodels", "dask", "distributed", "SQLAlchemy",
    "matplotlib", "jinja2", "xlsxwriter", "typer", "rich",
)  # fmt: skip
SYNTAXES = (
    "JPEGLosslessSV1", "JPEGLSLossless", "JPEG2000Lossless", "HTJ2KLossless", "RLELossless",
)  # fmt: skip
Verdict = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Examined:
    """One thing that was looked at: what, how it stands, and what to do about it."""

    subject: str
    verdict: Verdict
    found: str
    remedy: str = ""


def examine() -> list[Examined]:
    """Return everything that was looked at, in order; nothing is changed."""
    return [*_python(), *_libraries(), *_collisions(), *_codecs(), *_places()]


def _python() -> Iterator[Examined]:
    """Look at the interpreter and the machine."""
    version = platform.python_version()
    ok = sys.version_info >= (3, 11)
    yield Examined(
        "Python", "ok" if ok else "error", version, "" if ok else "Install Python 3.11 or newer."
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Examined("Processors", "ok", f"{cores} usable, {platform.machine()}")


def _libraries() -> Iterator[Examined]:
    """Look for every library and its version."""
    for name in LIBRARIES:
        try:
            yield Examined(name, "ok", importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Examined(name, "error", "absent", f"pip install {name}")


def _collisions() -> Iterator[Examined]:
    """Look whether another distribution brings a package of one of our names.

    The import packages have short names, so two distributions can overwrite each other's files
    in one environment without any installer saying so.
    """
    owners = importlib.metadata.packages_distributions()
    for package in PACKAGES:
        others = sorted(set(owners.get(package, [])) - {"sumdiam"})
        if others:
            yield Examined(
                f"package {package}",
                "error",
                f"also installed by {', '.join(others)}",
                "Give sumdiam an environment of its own: python3 -m venv, then pip install there.",
            )
        elif not (home := _home(package)) or home != _home("sumdiam"):
            yield Examined(
                f"package {package}",
                "error",
                f"another package of that name is imported from {home or 'nowhere'}",
                "Start Python elsewhere, or remove the other folder from PYTHONPATH.",
            )
        else:
            yield Examined(f"package {package}", "ok", _origin(home))
    if any("libjpeg" in name for name in owners.get("libjpeg", [])):
        yield Examined(
            "pylibjpeg-libjpeg", "warning", "installed", "GPL-3: sumdiam does not need or use it."
        )


def _home(package: str) -> Path | None:
    """Return the folder that a package would be imported from, without importing it."""
    spec = importlib.util.find_spec(package)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent.parent


def _origin(home: Path) -> str:
    """Return whether that folder is site-packages or a checkout."""
    installed = home == Path(sysconfig.get_paths()["purelib"])
    return "installed" if installed else "from a source checkout"


def _codecs() -> Iterator[Examined]:
    """Look which transfer syntaxes can be decoded, and by what."""
    import pydicom.uid
    from pydicom.pixels.decoders.base import get_decoder

    for name in SYNTAXES:
        plugins = get_decoder(getattr(pydicom.uid, name)).available_plugins
        yield Examined(
            name,
            "ok" if plugins else "error",
            ", ".join(plugins) or "no decoder",
            "" if plugins else "pip install 'sumdiam' again: its decoders are missing.",
        )


def _places() -> Iterator[Examined]:
    """Look whether compiled code and temporary files can be kept."""
    folder = Path(__file__).parent.parent / "measurement" / "__pycache__"
    fallback = os.environ.get("NUMBA_CACHE_DIR")
    writable = os.access(folder if folder.exists() else folder.parent, os.W_OK)
    yield Examined(
        "Cache of compiled code",
        "ok" if writable or fallback else "warning",
        fallback or ("beside the package" if writable else "not writable"),
        "" if writable or fallback else "Set NUMBA_CACHE_DIR to a folder that you may write to.",
    )
    free_gb = _free_gb(Path(tempfile.gettempdir()))
    yield Examined(
        "Room for temporary files",
        "ok" if free_gb > 1 else "warning",
        f"{free_gb:.0f} GB",
        "" if free_gb > 1 else "Set TMPDIR to a larger disk.",
    )


def _free_gb(folder: Path) -> float:
    """Return the free room below a folder in GB."""
    import shutil

    return shutil.disk_usage(folder).free / 1e9


def doctor_command() -> int:
    """Print what was found; return 1 if anything keeps sumdiam from working, else 0."""
    from rich.console import Console
    from rich.table import Table

    found = examine()
    table = Table("", "what", "found", "to do", title="sumdiam doctor", show_lines=False)
    mark = {"ok": "[green]ok[/]", "warning": "[yellow]look[/]", "error": "[red]bad[/]"}
    for item in found:
        table.add_row(mark[item.verdict], item.subject, item.found, item.remedy)
    Console().print(table)
    return 1 if any(item.verdict == "error" for item in found) else 0
