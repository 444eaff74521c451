"""Parts of a Markdown page that programs write, each between two marks, beside each other."""

from __future__ import annotations


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def part_of(page: str, name: str) -> str:
    """Return what stands between the marks of a part; nothing where it is not there."""
    begin, end = _marks(name)
    if begin not in page or end not in page:
        return ""
    return page.split(begin, 1)[1].split(end, 1)[0].strip("\n")


def with_part(page: str, name: str, part: str) -> str:
    """Return a page with a part in place of the old one, at the end where there was none.

    Examples
    --------
    >>> page = with_part("# Head\\n", "one", "1")
    >>> page
    '# Head\\n\\n<!-- one: begin -->\\n1\\n<!-- one: end -->\\n'
    >>> with_part(page, "one", "2") == page.replace("1", "2")
    True
    """
    if not part:
        return page
    begin, end = _marks(name)
    written = f"{begin}\n{part.strip(chr(10))}\n{end}"
    if begin in page and end in page:
        before, after = page.split(begin, 1)
        return before + written + after.split(end, 1)[1]
    return page.rstrip("\n") + f"\n\n{written}\n"
