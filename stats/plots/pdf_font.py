"""The letters that PDF files carry, cut out of their font once instead of in every file.

matplotlib reads DejaVu Sans anew and cuts it down for each file and each range of characters, 0.2 s
a figure: more than drawing it. Here the letters that nearly all figures use are cut out once in a
process; a figure with others is written as matplotlib does it. What a file holds hangs on its own
letters alone, not on what was written before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any, BinaryIO, Final

PLAIN: Final = "".join(map(chr, range(0x20, 0x7F))) + "\u00a0\u00b0\u00b2\u00b5"
SIGNS: Final = (
    "\ufb00\ufb01\ufb02\ufb03\ufb04"
    "\u2013\u2014\u2212\u2026\u2022\u2190\u2192\u2264\u2265\u2018\u2019\u201c\u201d"
)
"""Ligatures such as that of fi, dashes, minus, ellipsis, bullet, arrows, comparisons, quotes:
matplotlib embeds them apart."""

Cut = Callable[[Any, Iterable[int]], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class _Letters:
    """A font cut down to some letters; it stands where matplotlib hands on an open one."""

    content: bytes
    glyph_index_map: Mapping[int, int]

    @property
    def font(self) -> _Letters:
        """Return what has `save`."""
        return self

    def save(self, file: BinaryIO, **_: Any) -> None:
        """Write the font, as fontTools' object of this method does."""
        file.write(self.content)


@contextmanager
def letters_cut_once() -> Iterator[None]:
    """Within it PDF files take their letters from those that were cut out before."""
    from matplotlib.backends import backend_pdf

    shared: Any = getattr(backend_pdf, "_backend_pdf_ps", None)
    cut: Cut | None = getattr(shared, "get_glyphs_subset", None)
    if cut is None:  # another matplotlib: slower, and right
        yield
        return

    def kept(path: Any, glyphs: Iterable[int]) -> AbstractContextManager[Any]:
        wanted = frozenset(glyphs)
        for letters in (PLAIN, SIGNS):
            if wanted <= _glyphs(path, letters):
                return nullcontext(_cut_out(cut, path, letters))
        return cut(path, wanted)

    shared.get_glyphs_subset = kept
    try:
        yield
    finally:
        shared.get_glyphs_subset = cut


@cache
def _glyphs(path: Any, letters: str) -> frozenset[int]:
    """Return the numbers of letters in a font; a letter that it lacks has none."""
    from matplotlib.font_manager import get_font

    font = get_font(path)
    return frozenset(font.get_char_index(ord(letter)) for letter in letters) - {0}


@cache
def _cut_out(cut: Cut, path: Any, letters: str) -> _Letters:
    """Return the letters of a font."""
    import io

    with cut(path, _glyphs(path, letters)) as found:
        file = io.BytesIO()
        found.font.save(file, reorderTables=False)
        return _Letters(file.getvalue(), dict(found.glyph_index_map))
