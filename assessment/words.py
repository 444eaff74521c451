"""A text column as codes of the few words it holds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from assessment.code import Anything, Bools, Ints, Texts, choose
from assessment.visit_array import first_rank

FEW = 16
"""So many words are looked for one by one."""


@dataclass(frozen=True, slots=True)
class Words:
    """Text of any shape: the place of each cell in `words`, -1 where it is empty.

    Comparing small whole numbers is many times faster than comparing text, cell by cell.
    `ordered`: the words are known to be in the order of text.
    """

    codes: Anything
    words: tuple[str, ...]
    ordered: bool = False

    def equals(self, word: str) -> Bools:
        """Whether each cell is this word."""
        return self.is_any([word])

    def is_any(self, options: Sequence[str]) -> Bools:
        """Whether each cell is one of some words."""
        return self._flagged(np.array([word in options for word in self.words], dtype=bool))

    def holds(self, wanted: Sequence[str]) -> Bools:
        """Whether each cell is one of the words, or holds one between `;`."""
        hits = [any(part.strip() in wanted for part in word.split(";")) for word in self.words]
        return self._flagged(np.array(hits, dtype=bool))

    def _flagged(self, hits: Bools) -> Bools:
        """Whether each cell's word is flagged."""
        places = np.flatnonzero(hits)
        if len(places) == 0:
            return np.zeros(self.codes.shape, dtype=bool)
        if len(places) <= FEW and self.codes.dtype == np.int8:
            found = self.codes == places[0]
            for place in places[1:]:
                found |= self.codes == place
            return np.asarray(found)
        if len(places) == 1:
            return np.asarray(self.codes == places[0])
        return np.append(hits, False)[self.codes]

    @property
    def given(self) -> Bools:
        """Whether each cell has a word."""
        return np.asarray(self.codes >= 0)

    @property
    def text(self) -> Texts:
        """The cells as text, empty where there is none."""
        return np.array([*self.words, ""], dtype=object)[self.codes]

    def at(self, index: Any) -> Words:
        """Return the cells at an index of the array."""
        if isinstance(index, np.ndarray) and index.dtype == np.int64 and self.codes.ndim == 1:
            return Words(self.codes.take(index), self.words, self.ordered)
        return Words(self.codes[index], self.words, self.ordered)

    def unless(self, code: int) -> Words:
        """Return the same cells, empty where they have a certain code."""
        return Words(choose(self.codes == code, -1, self.codes), self.words)

    def first(self) -> Words:
        """(lesion,): the first cell with a word along the visits, else an empty one."""
        if self.codes.shape[1] == 0 or not self.words:
            return Words(np.full(len(self.codes), -1, dtype=self.codes.dtype), self.words)
        start = self.codes[:, 0]
        if (start >= 0).all():
            return Words(start, self.words)
        place = first_rank(self.codes >= 0)
        return Words(self.codes[np.arange(len(place)), place], self.words)


class Told:
    """A text column in the making: every row has one text, which a later one may replace."""

    def __init__(self, n: int) -> None:
        self.codes = np.zeros(n, dtype=np.int32)
        self.words: list[str] = [""]

    def put(self, rows: Anything, text: str | Words) -> None:
        """Write one text, or a column of them, into some rows."""
        if isinstance(text, str):
            self.codes[rows] = len(self.words)
            self.words.append(text)
        else:
            self.codes[rows] = text.codes + len(self.words)
            self.words.extend(text.words)

    def finished(self) -> Words:
        """Return the column."""
        return Words(self.codes, tuple(self.words))


def empty_words(shape: int | tuple[int, ...]) -> Words:
    """Return a column without a word."""
    return Words(np.full(shape, -1, dtype=np.int8, order="F"), ())


def one_word(word: str, n: int) -> Words:
    """Return a column that has one word in every row."""
    return Words(np.zeros(n, dtype=np.int8), (word,))


def first_of(cases: Sequence[tuple[Bools, str | Words]], default: str | Words) -> Words:
    """Return for each row the text of the first condition that holds, else the default's.

    Parameters
    ----------
    cases : pairs of a condition over the rows and its text: one for all, or a column
    """
    texts = [text for _, text in cases] + [default]
    words = [(text,) if isinstance(text, str) else text.words for text in texts]
    starts = np.cumsum([0, *map(len, words)]).tolist()
    kind = np.min_scalar_type(-starts[-1])
    codes = np.empty(len(cases[0][0]), dtype=kind)
    for place in range(len(texts) - 1, -1, -1):
        text, value = texts[place], starts[place]
        if isinstance(text, Words):
            own = text.codes.astype(kind)
            value = choose(own < 0, own, own + kind.type(value))
        if place == len(texts) - 1:
            codes[...] = value
        else:
            codes = choose(cases[place][0], value, codes)
    return Words(codes, tuple(itertools.chain.from_iterable(words)))


def words_of_cells(cells: pd.Series[Any]) -> Words:
    """Return a column of text or of categories as codes of its words in the order of text."""
    if isinstance(cells.dtype, pd.CategoricalDtype):
        codes, words = cells.cat.codes.to_numpy(), cells.cat.categories.to_numpy(dtype=object)
    else:
        codes, words = pd.factorize(cells.to_numpy(dtype=object))
    if len(words) == 0:
        return empty_words(len(cells))
    if words.tolist() != sorted(words):
        order = np.argsort(words, kind="stable")
        place = np.empty(len(order) + 1, dtype=np.min_scalar_type(-len(words)))
        place[order] = np.arange(len(order))
        place[-1] = -1
        codes, words = place[codes], words[order]
    kind = np.min_scalar_type(-len(words))
    return Words(codes.astype(kind, copy=False), tuple(words.tolist()))


def used_words(words: Words) -> Words:
    """Return the same cells with the words that any of them has."""
    used = _used(words.codes, len(words.words))
    if used.all():
        return words
    place = np.append(np.cumsum(used) - 1, -1).astype(words.codes.dtype)
    kept = tuple(word for word, has in zip(words.words, used.tolist(), strict=True) if has)
    return Words(place[words.codes], kept)


def _used(codes: Anything, n: int) -> Bools:
    """Return which of the codes 0 to n - 1 there are."""
    if n <= FEW:
        return np.array([(codes == code).any() for code in range(n)], dtype=bool)
    used = np.zeros(n + 1, dtype=bool)
    used[codes] = True
    return used[:-1]


def compacted(key: Ints, size: int) -> tuple[Ints, Ints]:
    """Return the distinct keys in order, and the place of each key among them.

    Parameters
    ----------
    key : whole numbers from 0 to `size`
    """
    if size > 4 * len(key) + 1_000_000:
        found, place = np.unique(key, return_inverse=True)
        return found, place
    there = np.zeros(size, dtype=bool)
    there[key] = True
    if there.all():
        return np.arange(size), key
    return np.flatnonzero(there), (np.cumsum(there) - 1).take(key)
