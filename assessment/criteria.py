"""Rule sets of response criteria as data, each rule with its source."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np

from assessment.code import NEW_WORDS, RESPONSES, Ints
from assessment.measurand import LENGTHS, MEASURANDS, PER_UNIT, place_of

COMPONENTS = RESPONSES[:8]
"""The words that the table of overall response knows."""


class UnknownCriteriaError(ValueError):
    """A rule set was asked for that is not there."""

    def __init__(self, name: str) -> None:
        near = difflib.get_close_matches(name.lower(), criteria_names(), 1, cutoff=0.4)
        hint = f" (nearest: {near[0]})" if near else ""
        wrong = f"there is no rule set {name!r}{hint}" if name else "no rule set is named"
        super().__init__(f"{wrong}. Choose from {', '.join(criteria_names())}.")


@dataclass(frozen=True, slots=True)
class Criteria:
    """One rule set: its sections as they stand in the TOML file."""

    name: str
    title: str
    source: str
    sections: Mapping[str, Mapping[str, Any]]

    def value(self, section: str, key: str) -> Any:
        """Return one value of a section, such as ``value("target", "minimum_mm")``."""
        return self.sections[section][key]

    def length(self, section: str, key: str) -> int:
        """Return a length of a section in hundredths of a millimetre."""
        return int(self.sections[section][key]) * PER_UNIT["mm"]

    def amount(self, section: str, key: str) -> int:
        """Return what a section states in the unit that is summed, in whole steps of that unit."""
        stated = Decimal(str(self.sections[section][f"{key}_{self.unit}"]))
        return int(stated * PER_UNIT[self.unit])

    @property
    def unit(self) -> str:
        """The unit that is summed up: `mm`, `mm2` or `ml`; one for all of a rule set's lesions."""
        return MEASURANDS[place_of(self.value("measurand", "hepatic"))].unit

    @property
    def measurands(self) -> list[int]:
        """Places in `measurand.MEASURANDS` of what is measured of any lesion."""
        stated = (self.value("measurand", key) for key in ("hepatic", "extrahepatic", "node"))
        return sorted({place_of(name) for name in stated})

    @property
    def measures_short_axis(self) -> bool:
        """Whether nodes are summed up by their short axis."""
        return bool(self.value("measurand", "node") == LENGTHS[2])

    def has(self, section: str) -> bool:
        """Return whether there is such a section."""
        return section in self.sections

    def number(self, section: str, key: str) -> int:
        """Return a whole number of a section, such as a percentage."""
        return int(self.sections[section][key])


@dataclass(frozen=True, slots=True)
class Rules:
    """A rule set with the policies that close its open points."""

    criteria: Criteria
    policy: Mapping[str, str]


def criteria_names() -> list[str]:
    """Return the names of all rule sets."""
    folder = resources.files("assessment") / "rules"
    stems = (item.name.removesuffix(".toml") for item in folder.iterdir())
    return sorted(
        stem for stem in stems if stem not in {"policies", "liver_function", "__init__.py"}
    )


@cache
def load_criteria(name: str) -> Criteria:
    """Return a rule set by name.

    Raises
    ------
    UnknownCriteriaError
        If there is no such rule set; the message lists those there are.

    Examples
    --------
    >>> load_criteria("mrecist").value("response", "pr_decrease_percent")
    30
    """
    if name not in criteria_names():
        raise UnknownCriteriaError(name)
    data = _rule_file(name)
    sections = {
        key: MappingProxyType(_whole_section(key, part))
        for key, part in data.items()
        if isinstance(part, dict)
    }
    return Criteria(data["name"], data["title"], data["source"], MappingProxyType(sections))


def _rule_file(name: str) -> dict[str, Any]:
    """Return a rule set as it stands in its file."""
    text = (resources.files("assessment") / "rules" / f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _whole_section(key: str, part: dict[str, Any]) -> dict[str, Any]:
    """Return a section with what it takes over from the same section of another rule set."""
    if "same_as" not in part:
        return part
    other = _rule_file(part["same_as"])
    taken = _whole_section(key, other[key])
    source = f"as {other['title']}: {taken.get('source', other['source'])}"
    own = {name: value for name, value in part.items() if name != "same_as"}
    if "source" in own:
        source = f"{own['source']}; the rest {source}"
    return {**taken, **own, "source": source}


def overall_table(criteria: Criteria) -> Ints:
    """Return the overall response of every target x non-target x new lesion.

    Returns
    -------
    (8, 8, 4) array of response codes
        In the order of `COMPONENTS` twice and `code.NEW_WORDS`.
    """
    table = np.full((len(COMPONENTS), len(COMPONENTS), len(NEW_WORDS)), -1, dtype=np.int64)
    for rule in reversed(criteria.value("overall", "rule")):
        where = np.ix_(
            _places(rule.get("target"), COMPONENTS),
            _places(rule.get("nontarget"), COMPONENTS),
            _places(rule.get("new"), NEW_WORDS),
        )
        table[where] = RESPONSES.index(rule["response"])
    return table


def _places(chosen: list[str] | None, words: tuple[str, ...]) -> list[int]:
    """Return the places of the chosen words, all where a rule does not care."""
    return [words.index(word) for word in (words if chosen is None else chosen)]
