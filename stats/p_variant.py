"""Every p value that usual tests give for one table of counts, and which of them was printed."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stats.fisher import enumerated_p, fisher_exact
from stats.printed_number import Fit, PrintedNumber

Counts = NDArray[np.int64]

ALPHA: Final = 0.05
MAX_GROUPED_LEVELS: Final = 7
MAX_FISHER_N: Final = 400
"""Beyond 2 x 2 tables, Fisher's test of more subjects is not tried: chi-square is the usual one."""

_OTHER_TESTS: Final = re.compile(
    r"log.?rank|cox|wald|welch|student|\bt.?test|mann|wilcoxon|u.?test|kruskal|anova|likelihood|"
    r"gray|fine|kappa|mcnemar|cochran|mantel|trend|logistic|regression|gee|permutation|sign test|"
    r"breslow|gehan|tarone|spearman|pearson'?s? (?:r|corr)|correlation|interaction"
)


def named_variants(test: str) -> frozenset[str]:
    """Return which variants a test's printed name may mean; empty where it names none of counts."""
    words = test.casefold()
    found: set[str] = set()
    if re.search(r"chi|\u03c7|\u03c72|x2|x\u00b2", words):
        found |= {"Pearson chi-square", "chi-square with Yates' correction"}
        if re.search(r"without|uncorrected|no (?:yates|continuity|correction)", words):
            found = {"Pearson chi-square"}
        elif re.search(r"yates|continuity|corrected", words):
            found = {"chi-square with Yates' correction"}
        elif "pearson" in words:
            found = {"Pearson chi-square"}
        elif "likelihood" in words:
            found = {"likelihood-ratio chi-square"}
    elif re.search(r"pearson|proportions|prop\.test|two.?proportion|z.?test", words):
        found |= {"Pearson chi-square", "chi-square with Yates' correction"}
    if "fisher" in words or "freeman" in words:
        found.add("Fisher exact")
    return frozenset(found)


def names_another_test(test: str) -> bool:
    """Whether the printed test is none that counts alone can give."""
    return not named_variants(test) and bool(_OTHER_TESTS.search(test.casefold()))


def usual_variants(table: Counts) -> dict[str, float]:
    """Return p by Pearson, by Yates (2 x 2 only) and by Fisher; empty where none can be made.

    Parameters
    ----------
    table : (levels, groups) whole numbers; rows and columns of zeros are dropped.
    """
    from scipy.stats import chi2

    table = _filled(table)
    if min(table.shape) < 2:
        return {}
    n = table.sum()
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    df = (table.shape[0] - 1) * (table.shape[1] - 1)
    gap = np.abs(table - expected)
    found = {"Pearson chi-square": float(chi2.sf((gap**2 / expected).sum(), df))}
    if table.shape == (2, 2):
        gap = gap - min(0.5, float(gap.min()))  # as R's chisq.test
        found["chi-square with Yates' correction"] = float(chi2.sf((gap**2 / expected).sum(), df))
    if table.shape == (2, 2) or n <= MAX_FISHER_N:
        exact = enumerated_p(table)  # a sampled p is no number to hold a printed one to
        if exact is not None:
            found["Fisher exact"] = exact
    return found


def rare_variants(table: Counts) -> dict[str, float]:
    """Return p by tests that are seldom meant: likelihood ratio, mid-p, one-sided Fisher."""
    from scipy.stats import chi2, hypergeom

    table = _filled(table)
    if min(table.shape) < 2:
        return {}
    n = table.sum()
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    df = (table.shape[0] - 1) * (table.shape[1] - 1)
    some = table > 0
    ratio = 2 * float((table[some] * np.log(table[some] / expected[some])).sum())
    found = {"likelihood-ratio chi-square": float(chi2.sf(ratio, df))}
    if table.shape == (2, 2):
        first = int(table[0, 0])
        law = hypergeom(int(n), int(table[0].sum()), int(table[:, 0].sum()))
        found["mid-p Fisher"] = fisher_exact(table).p_value - float(law.pmf(first)) / 2
        found["one-sided Fisher"] = min(float(law.cdf(first)), float(law.sf(first - 1)))
    return found


def fitting(variants: Mapping[str, float], printed: PrintedNumber) -> dict[str, Fit]:
    """Return the variants that may be printed so, each with how it was shortened."""
    fits = {name: printed.fit(p) for name, p in variants.items()}
    return {name: fit for name, fit in fits.items() if fit != "none"}


def significance_hangs(variants: Mapping[str, float]) -> bool:
    """Whether some variants lie below 0.05 and others do not."""
    return bool(variants) and min(variants.values()) < ALPHA <= max(variants.values())


def groupings(levels: Sequence[str]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield every way to put three or more levels into two groups, single levels first.

    Yields
    ------
    words, member
        What is set against the rest, and which levels belong to it.
    """
    count = len(levels)
    if not 3 <= count <= MAX_GROUPED_LEVELS:
        sizes: Sequence[int] = (1,) if count > MAX_GROUPED_LEVELS else ()
    else:
        sizes = range(1, count // 2 + 1)
    for size in sizes:
        for chosen in itertools.combinations(range(count), size):
            if 2 * size == count and 0 not in chosen:
                continue  # the other half was tried
            member = np.isin(np.arange(count), chosen)
            yield " + ".join(levels[i] for i in chosen) + " against the rest", member


def fewer_known(
    table: Counts, printed: PrintedNumber, share: float = 0.2
) -> tuple[int, ...] | None:
    """Return group sizes, at most a fifth smaller, with which the counts give the printed p.

    Parameters
    ----------
    table : (2, 2) counts, the level in the first row
        Only its complement is thinned out: values of so many subjects were missing.
    """
    if table.shape != (2, 2) or table.sum() > 5_000:
        return None
    totals = table.sum(axis=0)
    most = [min(int(table[1, i]), math.floor(share * totals[i])) for i in range(2)]
    sizes = sorted(itertools.product(*(range(m + 1) for m in most)), key=lambda ab: (sum(ab), ab))
    few = (table[0] < 5).any() or (table[1] - most < 5).any()
    for missing in sizes[1 : 500 if few else 20_000]:  # Fisher's test takes a millisecond each
        thinned = table.copy()
        thinned[1] -= missing
        if printed.fit(_chosen(thinned)) != "none":
            return tuple(int(x) for x in totals - missing)
    return None


def _chosen(table: Counts) -> float:
    """Return p of a 2 x 2 table by Pearson, or by Fisher where a cell is below 5."""
    if (table < 5).any():
        return fisher_exact(table).p_value if min(_filled(table).shape) == 2 else math.nan
    from scipy.special import chdtrc

    (a, b), (c, d) = (float(x) for x in table[0]), (float(x) for x in table[1])
    n = a + b + c + d
    return float(chdtrc(1, n * (a * d - b * c) ** 2 / ((a + b) * (c + d) * (a + c) * (b + d))))


def _filled(table: Counts) -> Counts:
    """Drop rows and columns of zeros."""
    return np.asarray(table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0])
