"""Mutants of the rule sets and policies: a threshold one step off, a word less, a cell flipped.

Each changes what `tomllib` reads of one file of `assessment/rules`.
"""

from __future__ import annotations

import copy
import hashlib
import sys
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.mutant import Mutant

Path_ = tuple[str | int, ...]
TARGETS = ("CR", "PR", "SD", "PD", "NE", "NA")
NONTARGETS = ("CR", "NON-CR/NON-PD", "PD", "NE", "NA")
NEW = ("no", "yes", "equivocal", "not_assessed")
NEXT = {
    "CR": "PR", "PR": "SD", "SD": "PD", "PD": "SD", "NE": "SD", "NON-CR/NON-PD": "CR",
    "NED": "NE",
}  # fmt: skip
"""What a cell of the table of overall response is flipped to."""
OTHER_WORDS = {
    "viable_diameter": "whole_diameter", "whole_diameter": "node_short_axis",
    "node_short_axis": "whole_diameter", "viable_product": "whole_product",
    "whole_product": "viable_product", "viable_volume": "whole_volume",
    "whole_volume": "viable_volume", "hcc_pattern": "unequivocal", "unequivocal": "hcc_pattern",
    "if_viable": "never", "never": "if_viable", "if_progressed": "never",
}  # fmt: skip
WORDS_ALONE = {"text", "source", "title", "name", "same_as", "values"}


def _leaves(data: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Yield the places of a file that hold a value or a list of words."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key not in WORDS_ALONE:
                yield from _leaves(value, (*path, key))
    elif isinstance(data, list) and data and isinstance(data[0], dict):
        for place, value in enumerate(data):
            yield from _leaves(value, (*path, place))
    else:
        yield path, data


def _stepped(text: str) -> list[str]:
    """Return a decimal number in text one step of its last place up and down."""
    step = Decimal(1).scaleb(Decimal(text).as_tuple().exponent)
    return [str(Decimal(text) + step), str(Decimal(text) - step)]


def _is_number(value: str) -> bool:
    """Return whether a text is a number."""
    return bool(value) and value.replace(".", "", 1).isdigit()


def _others(path: Path_, value: Any, data: Any) -> Iterator[tuple[str, Any]]:
    """Yield what may stand in the place of a value."""
    if isinstance(value, bool):
        if path[-1] != "integer":
            yield "truth", not value
    elif isinstance(value, int | float):
        yield from (("threshold", type(value)(text)) for text in _stepped(str(value)))
    elif isinstance(value, list):
        for word in value:
            yield "word dropped", [other for other in value if other != word]
    elif path[-1] == "response":
        yield "answer", NEXT[value]
    elif path[0] in {"policy", "set", "scheme"}:
        yield from _other_policies(path[1] if path[0] == "policy" else path[-1], value, data)
    elif _is_number(value):
        yield from (("threshold", text) for text in _stepped(value))
    elif value in OTHER_WORDS:
        yield "word", OTHER_WORDS[value]


def _other_policies(name: Any, value: str, data: Any) -> Iterator[tuple[str, Any]]:
    """Yield the other values that a policy may have, or those a step beside a number."""
    known = data["policy"].get(name, {})
    if known.get("integer"):
        yield from (("threshold", text) for text in _stepped(value) if text[0] != "-")
    else:
        yield from (("policy", word) for word in known.get("values", []) if word != value)


def _cells(data: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield the file with one cell of its table of overall response flipped."""
    rules = data["overall"]["rule"]
    for target, nontarget, new in product(TARGETS, NONTARGETS, NEW):
        cell = {"target": target, "nontarget": nontarget, "new": new}
        said = next(
            rule["response"]
            for rule in rules
            if all(word in rule.get(axis, [word]) for axis, word in cell.items())
        )
        flip = {axis: [word] for axis, word in cell.items()} | {"response": NEXT[said]}
        changed = copy.deepcopy(data)
        changed["overall"]["rule"].insert(0, flip)
        yield f"{target}, {nontarget}, new {new}: {said}", NEXT[said], changed


def _changed(data: Any, path: Path_, value: Any) -> Any:
    """Return the file with one value changed."""
    changed = copy.deepcopy(data)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def _all_changes(data: Any) -> Iterator[tuple[str, str, str, str, Any]]:
    """Yield place, kind, before, after and the changed file."""
    for path, value in _leaves(data):
        where = ".".join(map(str, path))
        for kind, other in _others(path, value, data):
            yield where, kind, str(value), str(other), _changed(data, path, other)
    rules = data.get("overall", {}).get("rule", [])
    for place, rule in enumerate(rules):
        left = copy.deepcopy(data)
        del left["overall"]["rule"][place]
        yield f"overall.rule.{place}", "rule dropped", rule["response"], "no such rule", left
    if rules:
        for before, after, changed in _cells(data):
            yield "overall", "cell", before, after, changed


def rule_mutants(path: Path, root: Path) -> Iterator[tuple[Mutant, Any]]:
    """Yield the mutants of a rule file, each with what is to be read instead."""
    name = path.relative_to(root).as_posix()
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    for where, kind, before, after, changed in _all_changes(data):
        text = f"{name}\x1f{where}\x1f{kind}\x1f{before}\x1f{after}"
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        yield Mutant(name, where, 0, kind, before, after, key), changed


def apply_rules(path: Path, changed: Any) -> None:
    """Let a rule file read as something else, and forget what was read of it before."""
    original, loads = path.read_text(encoding="utf-8"), tomllib.loads

    def read(text: str, /, **options: Any) -> dict[str, Any]:
        return copy.deepcopy(changed) if text == original else loads(text, **options)

    tomllib.loads = read
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "assessment":
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
