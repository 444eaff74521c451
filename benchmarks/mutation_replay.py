"""Calls that the tests make of the functions to be mutated, kept to be made again.

A mutant that answers every one of these calls as before cannot be noticed by the tests: they need
not run. Where it answers one otherwise, only the tests that made such a call need to. This rests on
the functions being pure; one that is not (its calls are not repeatable) is told of as unsteady, and
its mutants meet all tests.
"""

from __future__ import annotations

import copy
import sys
import time
import types
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd

from assessment.words import Told
from benchmarks.mutant import Mutant, functions_of

Name = tuple[str, str]
STEP = 17
"""Of so many calls, one is made again to see whether a function is steady."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the test that made it, what went in, what came out, what is left of the former."""

    test: str
    given: dict[str, Any]
    answer: Any
    left: dict[str, Any]


def held(value: Any) -> Any:
    """Return a copy of what a later call may change; the rest as it is."""
    if isinstance(value, np.ndarray):
        return value.copy(order="K")
    if isinstance(value, Told | dict | list):
        return copy.deepcopy(value) if isinstance(value, Told) else copy.copy(value)
    if isinstance(value, tuple):
        return tuple(map(held, value))
    changes = is_dataclass(value) and not isinstance(value, type)
    if changes and not value.__dataclass_params__.frozen:
        return copy.copy(value)
    if changes and hasattr(value, "_kept"):
        again = copy.copy(value)
        object.__setattr__(again, "_kept", {})
        return again
    return value


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same in every part; if in doubt, not."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return _same_arrays(one, other)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, Told):
        return same(one.codes, other.codes) and one.words == other.words
    if is_dataclass(one):
        names = [field.name for field in fields(one) if field.name != "_kept"]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, pd.DataFrame | pd.Series):
        return bool(one.equals(other))
    return bool(np.isscalar(one) and one == other)


def _same_arrays(one: Any, other: Any) -> bool:
    """Return whether two arrays are of one type and hold the same."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype == object:
        return bool((one == other).all())
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))


class Recorder:
    """Keeps every call of the functions of some modules while the tests run."""

    def __init__(self, modules: list[str]) -> None:
        self.calls: dict[Name, list[Call]] = defaultdict(list)
        self.functions: dict[Name, types.FunctionType] = {}
        for module in modules:
            for name, function in functions_of(vars(sys.modules[module]), module).items():
                self.functions[module, name] = function
        self._of_code = {function.__code__: key for key, function in self.functions.items()}
        self._open: list[tuple[Any, dict[str, Any]]] = []
        self.followers: dict[str, list[str]] = {}
        self.seconds: dict[str, float] = {}
        self._by_test: dict[Name, dict[str, list[Call]]] = {}
        self._steady: dict[Name, bool] = {}
        self.test = ""

    def profile(self, frame: types.FrameType, event: str, answer: Any) -> None:
        """Take in that a function is entered or left (see `sys.setprofile`)."""
        key = self._of_code.get(frame.f_code)
        if key is None:
            return
        if event == "call":
            code = frame.f_code
            names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            self._open.append((frame, {name: held(frame.f_locals[name]) for name in names}))
        elif event == "return" and self._open and self._open[-1][0] is frame:
            _, given = self._open.pop()
            left = {name: held(frame.f_locals.get(name)) for name in given if _changes(given[name])}
            self.calls[key].append(Call(self.test, given, held(answer), left))

    def run(self, test: str, act: Callable[[], None]) -> None:
        """Run one test and keep its calls."""
        self.test = test
        self._open.clear()
        begun = time.process_time()
        if self.functions:
            sys.setprofile(self.profile)
        try:
            act()
        finally:
            sys.setprofile(None)
            self.seconds[test] = time.process_time() - begun

    def naming(
        self, mutant: Mutant, kills: Mapping[str, int]
    ) -> Callable[[], Iterator[tuple[str, str | None]]] | None:
        """Return what names the tests that may notice a mutant, each with the one behind it.

        Those come first that noticed most mutants so far (`kills`) for the time they take, then
        short ones. None where all tests may.
        """
        module = mutant.file.removesuffix(".py").replace("/", ".")
        key = (module, mutant.function)
        if key not in self.functions or not self.steady(key):
            return None
        return lambda: self._chains(key, kills)

    def _chains(self, key: Name, kills: Mapping[str, int]) -> Iterator[tuple[str, str | None]]:
        """Yield the tests of which a call is answered otherwise, and those that rest on them."""
        for name in self.changed(key, kills):
            chain = [name, *self.followers.get(name, [])]
            yield from zip(chain, [*chain[1:], None], strict=True)

    def steady(self, key: Name) -> bool:
        """Return whether a function answers the same calls in the same way, tried on some."""
        if key not in self._steady:
            function, some = self.functions[key], self.calls.get(key, [])[::STEP]
            self._steady[key] = all(self._answers(function, call) for call in some)
            if not self._steady[key]:
                print(f"unsteady: {key}", flush=True)
        return self._steady[key]

    def changed(self, key: Name, kills: Mapping[str, int]) -> Iterator[str]:
        """Yield the tests of which a call is answered otherwise now, each once."""
        function, of_test = self.functions[key], self.by_test(key)

        def rank(test: str) -> tuple[int, float]:
            found = sum(kills.get(name, 0) for name in (test, *self.followers.get(test, [])))
            return -found / self.seconds[test], self.seconds[test]

        for test in sorted(of_test, key=rank):
            if not all(self._answers(function, call) for call in of_test[test]):
                yield test

    def by_test(self, key: Name) -> dict[str, list[Call]]:
        """Return the calls of a function that each test made."""
        if key not in self._by_test:
            found: dict[str, list[Call]] = defaultdict(list)
            for call in self.calls.get(key, []):
                found[call.test].append(call)
            self._by_test[key] = dict(found)
        return self._by_test[key]

    @staticmethod
    def _answers(function: types.FunctionType, call: Call) -> bool:
        """Return whether a function answers a call as it was answered."""
        given = {name: held(value) for name, value in call.given.items()}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                answer = function(**given)
        except Exception:  # noqa: BLE001
            return False
        return same(answer, call.answer) and all(
            same(given[name], value) for name, value in call.left.items()
        )


def _changes(value: Any) -> bool:
    """Return whether a call may change a value that it was given."""
    return isinstance(value, Told) or (
        is_dataclass(value)
        and not isinstance(value, type)
        and not value.__dataclass_params__.frozen
    )
