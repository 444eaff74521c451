"""Rule sets of response criteria as data, each rule with its source."""

from __future__ import annotations

import difflib
import textwrap
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np

from assessment.code import NEW_WORDS, RESPONSES, Ints

HUNDREDTHS = 100


class UnknownCriteriaError(ValueError):
    """A rule set was asked for that is not there."""

    def __init__(self, name: str) -> None:
        near = difflib.get_close_matches(name.lower(), criteria_names(), 1, cutoff=0.4)
        hint = f" (nearest: {near[0]})" if near else ""
        super().__init__(
            f"there is no rule set {name!r}{hint}. Choose from {', '.join(criteria_names())}."
        )


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
        return int(self.sections[section][key]) * HUNDREDTHS

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
    return sorted(stem for stem in stems if stem not in {"policies", "__init__.py"})


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
    text = (resources.files("assessment") / "rules" / f"{name}.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    sections = {key: MappingProxyType(part) for key, part in data.items() if isinstance(part, dict)}
    return Criteria(data["name"], data["title"], data["source"], MappingProxyType(sections))


def overall_table(criteria: Criteria) -> Ints:
    """Return the overall response of every target x non-target x new lesion.

    Returns
    -------
    (8, 8, 4) array of response codes
        In the order of `code.RESPONSES` twice and `code.NEW_WORDS`.
    """
    table = np.full((len(RESPONSES), len(RESPONSES), len(NEW_WORDS)), -1, dtype=np.int64)
    for rule in reversed(criteria.value("overall", "rule")):
        where = np.ix_(
            _places(rule.get("target"), RESPONSES),
            _places(rule.get("nontarget"), RESPONSES),
            _places(rule.get("new"), NEW_WORDS),
        )
        table[where] = RESPONSES.index(rule["response"])
    return table


def _places(chosen: list[str] | None, words: tuple[str, ...]) -> list[int]:
    """Return the places of the chosen words, all where a rule does not care."""
    return [words.index(word) for word in (words if chosen is None else chosen)]


def describe(criteria: Criteria) -> str:
    """Return a rule set as a person would read it, each rule with its source."""
    parts = [criteria.title, "=" * len(criteria.title), f"Source: {criteria.source}", ""]
    for name, section in criteria.sections.items():
        parts += [name.replace("_", " ").capitalize(), "-" * len(name)]
        parts += textwrap.wrap(section["text"], 96)
        numbers = {k: v for k, v in section.items() if k not in {"text", "source", "rule"}}
        parts += [f"  {key} = {_shown(value)}" for key, value in numbers.items()]
        if "source" in section:
            parts.append(f"  [{section['source']}]")
        parts += [_rule_line(rule) for rule in section.get("rule", [])]
        parts.append("")
    return "\n".join(parts)


def _shown(value: Any) -> str:
    """Write a value without the punctuation of TOML."""
    return ", ".join(value) if isinstance(value, list) else str(value)


def _rule_line(rule: Mapping[str, Any]) -> str:
    """Write one line of the table of overall response."""
    causes = [
        f"{label} {' or '.join(rule[key])}"
        for key, label in (("target", "target"), ("nontarget", "non-target"), ("new", "new lesion"))
        if key in rule
    ]
    return f"  {', '.join(causes) or 'else'}: {rule['response']}  [{rule['source']}]"
