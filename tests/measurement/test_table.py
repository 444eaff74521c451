from typing import ClassVar

import pandas as pd
import pandera.pandas as pa
import pytest
from pandera.typing.pandas import Series

from measurement.table import (
    TableError,
    TableModel,
    _meets,
    check,
    columns_of,
    empty_table,
    from_records,
    key_of,
    parse_text,
    to_text,
    typed_columns,
)

Day = "datetime64[ns]"


class Visits(TableModel):
    """A table of all five types."""

    name: Series[pd.StringDtype]
    number: Series[pd.Int64Dtype] = pa.Field(ge=0)
    length_mm: Series[float] = pa.Field(ge=0, nullable=True)
    seen: Series[pd.BooleanDtype] = pa.Field(nullable=True)
    on: Series[Day] = pa.Field(nullable=True)

    class Config(TableModel.Config):
        """One row per name."""

        unique: ClassVar[list[str]] = ["name"]


def text(**columns):
    rows = max(len(cells) for cells in columns.values())
    base = {
        "name": [f"n{k}" for k in range(rows)], "number": ["1"] * rows, "length_mm": [""] * rows,
        "seen": [""] * rows, "on": [""] * rows,
    }  # fmt: skip
    return pd.DataFrame(base | columns, dtype=str)


def parsed(frame, **options):
    return parse_text(frame, Visits, origin="visits.csv", **options)


def test_columns_and_key_are_those_of_the_schema():
    assert columns_of(Visits) == ["name", "number", "length_mm", "seen", "on"]
    assert key_of(Visits) == ["name"]


def test_text_becomes_typed_and_text_again():
    cells = text(
        name=["007", "NA"], number=["2", "3"], length_mm=["24.25", "inf"], seen=["true", "false"],
        on=["2020-02-29", ""],
    )  # fmt: skip
    table = parsed(cells)
    assert list(table["name"]) == ["007", "NA"]
    assert table["number"].tolist() == [2, 3]
    assert table["on"].iloc[0] == pd.Timestamp("2020-02-29")
    pd.testing.assert_frame_equal(to_text(table), cells.astype(object))


def test_empty_cells_are_missing_and_defaults_fill_them():
    table = parsed(text(number=["", "4"], seen=["", ""]), defaults={"number": 9})
    assert table["number"].tolist() == [9, 4]
    assert table["seen"].isna().all()
    assert parsed(text(name=["a"]).drop(columns="on"))["on"].isna().all()


BAD_CELLS = [
    ({"number": ["1.5"]}, r"row 2, column number: '1.5' is not a whole number"),
    ({"number": ["x", "y"]}, r"\(2 such cells\)"),
    ({"length_mm": ["12,5"]}, "is not a number with a decimal point"),
    ({"seen": ["yes"]}, "is not true or false"),
    ({"on": ["29.02.2020"]}, "is not a date as YYYY-MM-DD"),
    ({"on": ["2020-02-30"]}, "is not a date as YYYY-MM-DD"),
    ({"length_mm": ["-1"]}, r"length_mm: -1.0 is below 0 at row 2: name=n0. Correct these cells"),
    ({"name": ["a", "a"]}, r"visits.csv: 2 rows have the same name=a \(rows 2, 3\): keep one"),
    ({"number": ["9223372036854775808"]}, "is not a whole number"),
    ({"on": ["9999-12-31"]}, "is not a date as YYYY-MM-DD, from 1800 to 2200"),
]


@pytest.mark.parametrize(("columns", "message"), BAD_CELLS)
def test_a_cell_that_is_not_of_its_type_is_refused_with_its_place(columns, message):
    with pytest.raises(TableError, match=message):
        parsed(text(**columns))


def test_an_unknown_column_is_refused_with_the_nearest_known_one():
    with pytest.raises(
        TableError, match=r"unknown column 'lenght_mm' \(nearest known: 'length_mm'"
    ):
        parsed(text(name=["a"]).rename(columns={"length_mm": "lenght_mm"}))
    with pytest.raises(TableError, match=r"unknown column 'qqqq'\. Rename or remove it"):
        parsed(text(name=["a"]).assign(qqqq="1"))


def test_a_missing_required_column_is_named_with_what_it_may_be():
    frame = text(name=["a"])
    with pytest.raises(TableError, match=r"column missing: name \(is it 'names'\?\)"):
        parsed(frame.rename(columns={"name": "names"}), required=["name"], allow_extra=True)
    with pytest.raises(TableError, match=r"column missing: seen\. It has"):
        parsed(frame.drop(columns="seen"), required=["seen"])


def test_covariates_are_kept_as_text_where_they_are_allowed():
    table = parsed(text(name=["a", "b"]).assign(afp=["400", ""]), allow_extra=True)
    assert table["afp"].iloc[0] == "400"
    assert pd.isna(table["afp"].iloc[1])


def test_records_become_a_table_and_absent_keys_missing_cells():
    table = from_records([{"name": "a", "number": 1}, {"name": "b", "number": 2}], Visits)
    assert table["length_mm"].isna().all()
    assert list(from_records([], Visits).columns) == columns_of(Visits)
    assert len(empty_table(Visits)) == 0
    with pytest.raises(TableError, match=r"does not know: \['colour'\]"):
        from_records([{"name": "a", "number": 1, "colour": "red"}], Visits)


def test_many_failures_are_counted():
    table = from_records([{"name": f"n{k}", "number": k} for k in range(9)], Visits)
    table["number"] = table["number"] - 20
    with pytest.raises(TableError, match="and 4 more"):
        check(table, Visits, origin="visits")


class Sizes(TableModel):
    """A table with every kind of limit that the schemas use."""

    name: Series[pd.StringDtype]
    word: Series[pd.StringDtype] = pa.Field(isin=["word", "other"], nullable=True)
    least: Series[pd.Int64Dtype] = pa.Field(ge=-1)
    above: Series[float] = pa.Field(gt=0, nullable=True)
    within: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    seen: Series[pd.BooleanDtype] = pa.Field(nullable=True)

    class Config(TableModel.Config):
        """One row per name."""

        unique: ClassVar[list[str]] = ["name"]


def test_the_quick_check_says_what_pandera_says():
    """Every column in turn emptied, doubled, given another type, another word, a number beyond."""
    rows = [{"name": "a", "least": 0, "within": 1.0}, {"name": "b", "least": -1, "word": "other"}]
    good = from_records(rows, Sizes)
    tables = [good, good.iloc[[0, 0]], good.iloc[:, ::-1], good.iloc[:, 1:], good.iloc[:0]]
    for name in good:
        for cell in ("word", "none", -1, 0, 1, 2, None, 0.5):
            tables.append(good.assign(**{name: pd.Series([cell] * 2, dtype=object)}))
            if (str(good[name].dtype) == "string") == isinstance(cell, str) and name != "seen":
                as_typed = pd.Series([cell] * 2, dtype=object)
                whole = name == "least" and cell in (-1, 0, 1, 2)
                kind = "Int64" if whole else "string" if isinstance(cell, str) else "float64"
                tables.append(good.assign(**{name: as_typed.astype(kind)}))
    seen = set()
    for frame in (table.reset_index(drop=True) for table in tables):
        try:
            Sizes.to_schema().validate(frame, lazy=True)
        except pa.errors.SchemaErrors:
            seen.add("refused")
            assert not _meets(frame, Sizes)
        else:
            quick = _meets(frame, Sizes)
            seen.add(quick)
            assert not quick or all(frame[n].dtype == good[n].dtype for n in good)
    assert _meets(good, Sizes)
    assert seen == {"refused", True, False}


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("word", "wrod", r"word: 'wrod' is none of word, other \(nearest: word\)"),
        ("least", "-2", "least: -2 is below -1"),
        ("above", "0", "above: 0.0 is not above 0"),
        ("within", "1.5", "within: 1.5 is above 1"),
        ("name", "", "name: is empty, and must not be"),
    ],
)
def test_a_cell_beyond_its_limits_is_told_in_words(column, cell, message):
    cells = {"name": ["a"], "least": ["0"]} | {column: [cell]}
    with pytest.raises(TableError, match=message):
        parse_text(pd.DataFrame(cells, dtype=str), Sizes, origin="sizes.csv")


HELD = {
    "name": ["b", "a", "c"],
    "number": [2, 0, 2],
    "length_mm": [1.5, None, 0.25],
    "seen": [True, None, False],
    "on": [pd.Timestamp("2020-01-02"), None, pd.Timestamp("2020-01-01")],
}


@pytest.mark.parametrize(
    "kinds",
    [
        {"number": "int32", "name": "category"},
        dict.fromkeys(HELD, "category"),
        {"name": "string", "number": "Int64", "seen": "boolean"},
    ],
)
def test_categories_and_whole_numbers_are_held_as_the_table_has_them(kinds):
    frame = pd.DataFrame(HELD, index=[7, 3, 5]).astype(kinds)
    expected = from_records(
        [dict(zip(HELD, cells, strict=True)) for cells in zip(*HELD.values(), strict=True)], Visits
    )
    pd.testing.assert_frame_equal(check(typed_columns(frame, Visits), Visits, origin="t"), expected)


def test_absent_columns_are_empty_ones_of_their_type():
    found = typed_columns(pd.DataFrame({"name": ["a", "b"]}), Visits)
    assert [str(kind) for kind in found.dtypes] == [
        "object", "Int64", "float64", "boolean", "datetime64[ns]",
    ]  # fmt: skip
    assert found.drop(columns="name").isna().all(axis=None)
