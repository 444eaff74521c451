"""Open points of the sources as named policies: settable, and recorded with every result."""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np

from assessment.words import one_word

SCHEME_POLICIES = ("new_therapy", "missed_visits", "last_assessment")


class PolicyError(ValueError):
    """A policy, a value or a set that is not known."""


@cache
def policy_data() -> Mapping[str, Any]:
    """Return rules/policies.toml as it stands."""
    text = (resources.files("assessment") / "rules" / "policies.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))


@dataclass(frozen=True, slots=True)
class PolicySet:
    """A named set of policies and what was changed in it.

    Attributes
    ----------
    name : name of the set, `default` or `seed`
    changes : policy -> value, what differs from the set
    """

    name: str = "default"
    changes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse unknown sets, policies and values."""
        if self.name not in policy_data()["set"]:
            known = ", ".join(policy_data()["set"])
            msg = f"there is no policy set {self.name!r}. Choose from {known}."
            raise PolicyError(msg)
        for policy, value in self.changes.items():
            _check_value(policy, value)

    @property
    def policy_id(self) -> str:
        """The set's name; with changes, a digest of them behind it."""
        effective = self._effective_changes()
        if not effective:
            return self.name
        text = "\x1f".join(f"{policy}={effective[policy]}" for policy in sorted(effective))
        return f"{self.name}+{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def _effective_changes(self) -> dict[str, str]:
        """Drop changes that set what the set already says for every rule set."""
        own = {k: v for k, v in policy_data()["set"][self.name].items() if k != "text"}
        kept = {}
        for policy, value in self.changes.items():
            data = policy_data()["policy"][policy]
            same = own.get(policy, data["default"]) == value
            if not same or ("default_for" in data and policy not in own):
                kept[policy] = value
        return kept

    def values_for(self, criteria: str) -> dict[str, str]:
        """Return every policy's value under a rule set."""
        own = policy_data()["set"][self.name]
        values = {}
        for policy, data in policy_data()["policy"].items():
            by_criteria = data.get("default_for", {}).get(criteria, data["default"])
            values[policy] = self.changes.get(policy, own.get(policy, by_criteria))
        return values

    def with_changes(self, changes: Mapping[str, str]) -> PolicySet:
        """Return the set with further changes."""
        return PolicySet(self.name, {**self.changes, **changes})


def _check_value(policy: str, value: str) -> None:
    """Refuse a policy or a value that is not in the table, naming the nearest."""
    known = policy_data()["policy"]
    if policy not in known:
        near = difflib.get_close_matches(policy, list(known), 1)
        hint = f" (nearest: {near[0]})" if near else ""
        msg = f"there is no policy {policy!r}{hint}. Known are {', '.join(known)}."
        raise PolicyError(msg)
    data = known[policy]
    if data.get("integer"):
        if not (isinstance(value, str) and value.isascii() and value.isdigit()):
            msg = f"policy {policy}: {value!r} is not a whole number from 0, written as text."
            raise PolicyError(msg)
    elif value not in data["values"]:
        msg = f"policy {policy}: {value!r} is not one of {', '.join(data['values'])}."
        raise PolicyError(msg)


def read_policies(text: str, origin: str) -> PolicySet:
    """Return the policy set written in a TOML text: `set = "seed"`, then `policy = "value"` lines.

    Raises
    ------
    PolicyError
        If the text is no TOML, or names what is not known.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f'{origin}: not TOML ({error}). Write lines such as confirm = "on".'
        raise PolicyError(msg) from None
    name = str(data.pop("set", "default"))
    try:
        return PolicySet(name, {key: _as_text(value) for key, value in data.items()})
    except PolicyError as error:
        msg = f"{origin}: {error}"
        raise PolicyError(msg) from None


def _as_text(value: object) -> str:
    """Return a value as policies are written; TOML has numbers and truths of its own."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def scheme_values(values: Mapping[str, str], scheme: str | None) -> tuple[str, dict[str, str]]:
    """Return the name of the censoring scheme and the policies with the scheme's three in place.

    Without a scheme, the policies decide, and the name is that of the scheme they equal.
    """
    chosen = values["scheme"] if scheme is None else scheme
    known = policy_data()["scheme"]
    if chosen != "as_policies":
        if chosen not in known:
            msg = f"there is no censoring scheme {chosen!r}. Choose from {', '.join(known)}."
            raise PolicyError(msg)
        return chosen, {**values, **known[chosen]}
    triple = {policy: values[policy] for policy in SCHEME_POLICIES}
    same = [name for name, fixed in known.items() if fixed == triple]
    return (same[0] if same else "as_policies"), dict(values)


def policies_frame(policies: PolicySet, criteria: Sequence[str]) -> dict[str, Any]:
    """Return every policy's value; where rule sets differ, as `mrecist=0;recist_1_1=5`."""
    by_criteria = {name: policies.values_for(name) for name in criteria}
    cells = []
    for policy in policy_data()["policy"]:
        values = {name: by_criteria[name][policy] for name in criteria}
        if len(set(values.values())) == 1:
            cells.append(next(iter(values.values())))
        else:
            cells.append(";".join(f"{name}={value}" for name, value in values.items()))
    n = len(cells)
    return {
        "policy_id": one_word(policies.policy_id, n),
        "policy": np.array(list(policy_data()["policy"]), dtype=object),
        "value": np.array(cells, dtype=object),
    }
