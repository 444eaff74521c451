"""A configuration file of a run: options in TOML, kept with the data of a study."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILES = ("subjects", "subject_map", "findings", "decisions", "plan_dir")
LISTS = ("criteria", "allow_gaps", "adjust_for", "covariate_type")
TEXTS = ("scheme", "select", "control_arm", "cluster", "store")
WORDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys((*FILES, *TEXTS, "policies"), (str,)),
    **dict.fromkeys(LISTS, (str, list)),
    "gap_mm": (int, float),
    "resample_masks": (bool,),
    "workers": (int,),
}
"""Options that a file may hold, as `RunSettings` calls them, and of what kind they are."""
_OF_SETTINGS = {"plan": "plan_dir"}
"""Names on the command line that settings have another word for."""


class ConfigError(ValueError):
    """A configuration file that cannot be used; the message says where and how to mend it."""


def read_config(path: Path) -> dict[str, Any]:
    """Return the options that a configuration file holds, by their names in `RunSettings`.

    Paths are taken from the folder of the file.

    Raises
    ------
    ConfigError

    Examples
    --------
    ::

        subjects = "subjects.csv"
        criteria = ["mrecist", "recist_1_1"]
        allow_gaps = ["1.2.840.99.1"]
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # editors may write a mark
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror}). Give the path of a TOML file."
        raise ConfigError(msg) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path}: no TOML in UTF-8 ({error}). Write lines such as gap_mm = 2.0"
        raise ConfigError(msg) from None
    return {_known(name, path): _value(name, value, path) for name, value in table.items()}


def _known(name: str, path: Path) -> str:
    """Return what the settings call an option."""
    word = _OF_SETTINGS.get(name, name).replace("-", "_")
    if word in WORDS and name not in _OF_SETTINGS.values():
        return word
    names = sorted({*WORDS, *_OF_SETTINGS} - set(_OF_SETTINGS.values()))
    near = difflib.get_close_matches(name, names, 1)
    hint = f"Is {near[0]} meant?" if near else f"Known are {', '.join(names)}."
    msg = f"{path}: there is no option {name}. {hint}"
    raise ConfigError(msg)


def _value(name: str, value: Any, path: Path) -> Any:
    """Return the value of an option."""
    word = _known(name, path)
    kinds = WORDS[word]
    right = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
    if isinstance(value, list):
        right = right and all(isinstance(one, str) for one in value)
    if not right:
        wanted = " or ".join("text" if kind is str else kind.__name__ for kind in kinds)
        msg = f"{path}: {name} is {value!r}, but should be {wanted}."
        raise ConfigError(msg)
    if word in FILES or (word == "policies" and value.endswith(".toml")):
        place = path.parent / value
        return str(place) if word == "policies" else place
    if word in LISTS:
        return (value,) if isinstance(value, str) else tuple(value)
    return value
