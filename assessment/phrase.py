"""Sentences over many rows: joined from pieces of few distinct texts, at once for all rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from assessment.code import Anything, Bools, Ints, Texts, choose
from assessment.words import Words, compacted, first_of

MOST_DECIMALS = 6
MOST_MERGED = 4096
"""Most texts of two pieces that are made one before any row is written."""
DIGITS = 16
"""Place of a percentage's digits in its key, above the number of decimals and the sign."""


def joined(*pieces: str | Words) -> Texts:
    """Return the text of every row: its pieces one after the other; an empty cell adds nothing."""
    rows = [piece for piece in pieces if isinstance(piece, Words)]
    if not rows or not len(rows[0].codes):
        return np.zeros(0, dtype=object)
    if len(pieces) == 1:
        return rows[0].text
    parts = [piece if isinstance(piece, str) else _taken(piece) for piece in _merged(pieces)]
    whole = pc.binary_join_element_wise(*parts, "")
    return np.asarray(whole.to_numpy(zero_copy_only=False), dtype=object)


def merged(*pieces: str | Words) -> Words:
    """Return such text as codes of its distinct words: for pieces that together have few.

    Every row has to have every piece.
    """
    found = Words(np.zeros(0, dtype=np.int64), ())
    before = ""
    for piece in pieces:
        if isinstance(piece, str):
            before += piece
        elif not found.words:
            found, before = Words(piece.codes, tuple(before + word for word in piece.words)), ""
        else:
            found, before = _pairs(found, piece, before), ""
    return Words(found.codes, tuple(word + before for word in found.words)) if before else found


def _merged(pieces: Sequence[str | Words]) -> list[str | Words]:
    """Return fewer pieces: neighbours of few texts as one, those that say nothing left out."""
    rows = [piece for piece in pieces if isinstance(piece, Words)]
    silent = [not (piece.codes >= 0).any() for piece in rows]
    if all(silent):
        silent[0] = False  # one has to tell how many rows there are
    speak = iter([not nothing for nothing in silent])
    found: list[str | Words] = []
    for piece in pieces:
        if isinstance(piece, str):
            found.append(piece)
        elif next(speak):
            last = found[-1] if found else ""
            if isinstance(last, Words) and _few(last, piece):
                found[-1] = _pairs(last, piece)
            else:
                found.append(piece)
    return found


def _few(one: Words, other: Words) -> bool:
    """Return whether two pieces together have few texts."""
    return (len(one.words) + 1) * (len(other.words) + 1) <= MOST_MERGED


def _pairs(one: Words, other: Words, between: str = "") -> Words:
    """Return two pieces as one, over the pairs that any row has."""
    n = len(other.words) + 1
    kind = np.int32 if (len(one.words) + 1) * n < 2**31 else np.int64
    key = (one.codes.astype(kind) + 1) * n + (other.codes + 1)
    left, right = ("", *one.words), ("", *other.words)
    return spelled(key, lambda pair: left[pair // n] + between + right[pair % n])


def _taken(piece: Words) -> pa.Array:
    """Return a piece row by row."""
    texts = pa.array([*piece.words, ""], type=pa.string())
    codes = piece.codes
    if codes.min(initial=0) < 0:
        codes = choose(codes < 0, len(piece.words), codes.astype(np.int32))
    return texts.take(pa.array(codes))


def spelled(values: Ints, spell: Callable[[int], str]) -> Words:
    """Return the text of whole numbers, each distinct one spelled once."""
    return _spelled(values, lambda found: map(spell, found.tolist()))


def _spelled(values: Ints, spell: Callable[[Ints], Iterable[str]]) -> Words:
    """Return the text of whole numbers; all distinct ones, in order, are spelled in one call."""
    if not values.size:
        return Words(np.zeros(values.shape, dtype=np.int64), ("",))
    low = int(values.min())
    found, place = compacted(values.ravel() - low, int(values.max()) - low + 1)
    return Words(place.reshape(values.shape), tuple(spell(found + low)))


def amounts(values: Ints, per_unit: int = 100, before: str = "", after: str = "") -> Words:
    """Return whole steps of a unit as text, such as 46.2: one decimal, more if they are needed."""
    places = len(str(per_unit)) - 1

    def spell(found: Ints) -> Iterable[str]:
        rests = spelled(
            found % per_unit, lambda rest: f".{f'{rest:0{places}d}'.rstrip('0') or '0'}{after}"
        )
        return _text(before, found // per_unit, _taken(rests))

    return _spelled(values, spell)


def _text(*parts: str | Ints | pa.Array) -> list[str]:
    """Write parts one after the other, row by row; whole numbers as their digits."""
    pieces = (
        pa.array(part).cast(pa.string()) if isinstance(part, np.ndarray) else part for part in parts
    )
    found: list[str] = pc.binary_join_element_wise(*pieces, "").to_pylist()
    return found


def signed_amounts(values: Ints, per_unit: int, before: str, after: str) -> Words:
    """Return whole steps of a unit as text with their sign, such as +3.5."""
    up, down = (amounts(np.abs(values), per_unit, f"{before}{sign}", after) for sign in "+-")
    return first_of([(values < 0, down)], up)


def percentages(part: Ints, whole: Ints, before: str = "", after: str = "") -> Words:
    """Return 100 part / whole with sign, rounded half up to one decimal, from the integers.

    Where one decimal would show a whole percent that it is not, such as 19.96 % as the 20 % of a
    cut-off, more decimals are written, so that no reason contradicts its response.
    """
    whole = np.maximum(whole, 1)
    size = np.abs(part)
    decimals = np.ones(part.shape, dtype=np.int64)
    shown = (2000 * size + whole) // (2 * whole)
    open_ = (shown % 10 == 0) & (shown * whole != 1000 * size)
    for places in range(2, MOST_DECIMALS + 1):
        if not open_.any():
            break
        scale = 10**places
        finer = (200 * scale * size[open_] + whole[open_]) // (2 * whole[open_])
        shown[open_], decimals[open_] = finer, places
        still = finer % scale == 0
        open_[open_] = still
    one = decimals == 1
    words = _tenths(choose(one, shown, 0), part < 0, before, f" %{after}")
    if one.all():
        return words
    rest = np.flatnonzero(~one.ravel())
    digits = shown.ravel()[rest] * DIGITS + decimals.ravel()[rest] * 2 + (part < 0).ravel()[rest]
    finer = _spelled(digits, lambda found: _numbers(found, before, f" %{after}"))
    codes = words.codes.ravel().copy()
    codes[rest] = len(words.words) + finer.codes
    return Words(codes.reshape(part.shape), (*words.words, *finer.words))


def _tenths(values: Ints, negative: Bools, before: str, after: str) -> Words:
    """Write tenths as numbers with a sign and one decimal."""

    def spell(found: Ints) -> Iterable[str]:
        tenths, below = np.divmod(found, 2)
        whole, rest = np.divmod(tenths, 10)
        signs = _taken(Words(below, (f"{before}+", f"{before}-")))
        ends = _taken(Words(rest, tuple(f".{digit}{after}" for digit in range(10))))
        return _text(signs, whole, ends)

    return _spelled(values * 2 + negative, spell)


def _numbers(keys: Ints, before: str, after: str) -> Iterable[str]:
    """Write numbers from their digits, number of decimals and sign, packed in a key."""
    digits, negative = keys // DIGITS, keys % 2
    scale = 10 ** (keys % DIGITS // 2)
    rest = pa.array(scale + digits % scale).cast(pa.string())  # its first digit, 1, gives way
    signs = _taken(Words(negative, (f"{before}+", f"{before}-")))
    return _text(signs, digits // scale, pc.utf8_replace_slice(rest, 0, 1, "."), after)


def labels(codes: Anything, words: tuple[str, ...], before: str = "", after: str = "") -> Words:
    """Return the word of each code with text around it; nothing where the code is negative."""
    return Words(np.asarray(codes), tuple(f"{before}{word}{after}" for word in words))


def by_code(codes: Ints, told: Mapping[int, str]) -> Words:
    """Return the text told of each code; nothing of a code that is not told of."""
    place = np.full(max(told) + 2 if told else 1, -1, dtype=np.int64)
    place[list(told)] = np.arange(len(told))
    inside = (codes >= 0) & (codes < len(place))
    return Words(place[choose(inside, codes, -1)], tuple(told.values()))


def texts(cells: Texts) -> Words:
    """Return text as codes of its distinct words."""
    codes, words = pd.factorize(cells)
    return Words(codes, tuple(words.tolist()))


def on(condition: Bools, piece: Callable[[Ints], Words]) -> Words:
    """Return the piece made for the rows where a condition holds, nothing elsewhere."""
    index = np.flatnonzero(condition)
    if not len(index):
        return Words(np.full(len(condition), -1, dtype=np.int8), ())
    if len(index) == len(condition):
        return piece(index)
    made = piece(index)
    codes = np.full(len(condition), -1, dtype=np.int64)
    codes[index] = made.codes
    return Words(codes, made.words)


def where(condition: Bools, piece: Words) -> Words:
    """Return a piece where a condition holds, nothing elsewhere."""
    return Words(choose(condition, piece.codes, -1), piece.words)
