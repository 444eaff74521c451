"""Groups in the order in which they are shown."""

import pandas as pd
import pytest

from stats.baseline_table import baseline_table
from stats.group import names_in_order
from stats.plots import draw_waterfall

ORDER = pd.CategoricalDtype(["new", "old", "absent"], ordered=True)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (pd.Series(["old", "new", None, "old"]), ("new", "old")),
        (pd.Series(["old", "new", None]).astype(ORDER), ("new", "old")),
        (pd.Series(["b", "a"]).astype(pd.CategoricalDtype(["b", "a"], ordered=True)), ("b", "a")),
        (pd.Series(["b", "a"]).astype(pd.CategoricalDtype(["b", "a"])), ("a", "b")),
        (pd.Series([], dtype=object), ()),
    ],
)
def test_ordered_categories_keep_their_order_and_text_is_sorted(cells, expected):
    assert names_in_order(cells) == expected


def test_table_1_and_panels_follow_the_order_of_the_groups():
    group = pd.Series(["a", "b"] * 6).astype(pd.CategoricalDtype(["b", "a"], ordered=True))
    ages = pd.DataFrame({"age": [50.0 + n for n in range(12)]})
    assert baseline_table(ages, group).groups == ("b", "a")
    bars = pd.DataFrame({"id": [str(n) for n in range(12)], "value": ages["age"], "category": "PR"})
    drawing = draw_waterfall(
        bars.assign(group=group), palette={"PR": "#000000"}, y_label="y", x_label="x"
    )
    titles = [axes.get_title(loc="left") for axes in drawing.figure.axes]
    assert [title.split()[0] for title in titles] == ["b", "a"]
