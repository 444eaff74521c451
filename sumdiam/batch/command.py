"""The command ``sumdiam run``: options and a configuration file become one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from sumdiam.batch.progress import reporter_for_screen
from sumdiam.batch.run import run
from sumdiam.batch.settings import RunSettings, usable_processors
from sumdiam.config import ConfigError, read_config


def run_command(
    archives: Sequence[Path], *, out: Path, config: Path | None, given: Mapping[str, Any]
) -> int:
    """Run the main job and print its summary; return the exit code.

    Parameters
    ----------
    config : TOML file of options, optional
    given : options of the command line by their names in `RunSettings`; they win over the file
    """
    settings = run_settings(archives, out=out, config=config, given=given)
    with reporter_for_screen() as reporter:
        summary = run(settings, reporter)
    typer.echo("\n".join(summary.lines()))
    return summary.exit_code


def run_settings(
    archives: Sequence[Path], *, out: Path, config: Path | None, given: Mapping[str, Any]
) -> RunSettings:
    """Return the settings of a run.

    Raises
    ------
    ConfigError
    """
    options = {} if config is None else read_config(config)
    # a gap of 0 mm is given, too
    options |= {
        name: v for name, v in given.items() if v is not None and v is not False and v != ()
    }
    if options.get("select", "given") not in ("given", "auto"):
        msg = f"{config}: select is {options['select']!r}, but should be given or auto."
        raise ConfigError(msg)
    if options.setdefault("workers", usable_processors()) < 1:
        msg = f"{config}: workers is {options['workers']}, but should be 1 or more."
        raise ConfigError(msg)
    return RunSettings(archives=tuple(archives), out=out, **options)
