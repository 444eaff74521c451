"""A rule set as a person would read it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from assessment.criteria import Criteria
from assessment.measurand import SHOWN_UNITS
from assessment.policy import PolicySet, policy_data

WIDTH = 96
ABBREVIATIONS = {"pr": "PR", "pd": "PD", "cr": "CR", "sd": "SD"}
UNITS = {**SHOWN_UNITS, "percent": "%", "days": "days"}
HEADINGS = {"nontarget": "Non-targets", "node": "Nodes", "target": "Targets"}


def describe(criteria: Criteria) -> str:
    """Return a rule set as a person would read it, each rule with its source.

    Examples
    --------
    >>> from assessment.criteria import load_criteria
    >>> describe(load_criteria("mrecist")).splitlines()[0]
    'mRECIST for hepatocellular carcinoma'
    """
    parts = [criteria.title, "=" * len(criteria.title), *_wrapped(f"Source: {criteria.source}"), ""]
    for name, section in criteria.sections.items():
        heading = HEADINGS.get(name, name.replace("_", " ").capitalize())
        parts += [heading, "-" * len(heading), *_wrapped(section["text"])]
        numbers = {k: v for k, v in section.items() if k not in {"text", "source", "rule"}}
        parts += [line for key, value in numbers.items() for line in _line(key, value)]
        if "source" in section:
            parts += _wrapped(f"[{section['source']}]", "  ")
        parts += [line for rule in section.get("rule", []) for line in _rule_lines(rule)]
        parts.append("")
    return "\n".join([*parts, *_policy_lines(criteria)])


def _policy_lines(criteria: Criteria) -> list[str]:
    """Write the points that the sources leave open, as the set `default` closes them."""
    heading = "Policies (set default)"
    lines = [heading, "-" * len(heading)]
    for policy, value in PolicySet().values_for(criteria.name).items():
        lines += _wrapped(f"{policy} = {value}: {policy_data()['policy'][policy]['text']}", "  ")
    return [*lines, ""]


def _wrapped(text: str, indent: str = "") -> list[str]:
    """Break a text into lines; those after the first are set in further."""
    further = indent + "  " if indent else ""
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=further, break_on_hyphens=False
    )


def _line(key: str, value: Any) -> list[str]:
    """Write one value with its name in words and its unit behind it."""
    words = key.split("_")
    unit = UNITS.get(words[-1], "")
    if unit:
        words = words[:-1]
    name = " ".join(ABBREVIATIONS.get(word, word) for word in words)
    return _wrapped(f"{name}: {_shown(value)}{' ' + unit if unit else ''}", "  ")


def _shown(value: Any) -> str:
    """Write a value without the punctuation of TOML."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _rule_lines(rule: Mapping[str, Any]) -> list[str]:
    """Write one line of the table of overall response."""
    causes = [
        f"{label} {' or '.join(rule[key])}"
        for key, label in (("target", "target"), ("nontarget", "non-target"), ("new", "new lesion"))
        if key in rule
    ]
    text = f"{', '.join(causes) or 'else'}: {rule['response']}  [{rule['source']}]"
    return _wrapped(text, "  ")
