"""docs/tables.md is what the schemas say."""

import tomllib
from importlib import resources
from pathlib import Path

from measurement.table import columns_of
from sumdiam.export.command import TABLES
from sumdiam.export.table_docs import SECTIONS, table_docs

ROOT = Path(__file__).parents[2]


def test_the_published_contract_is_written_from_the_schemas():
    written = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert written == table_docs(), "run `make docs` and commit docs/tables.md"


def test_no_words_are_left_of_a_column_that_is_gone():
    words = tomllib.loads(resources.files("sumdiam.export").joinpath("columns.toml").read_text())
    columns = {m.__name__: set(columns_of(m)) for _, _, models in SECTIONS for m in models}
    anywhere = set().union(*columns.values())
    assert set(words.pop("any")) <= anywhere
    for table, own in words.items():
        assert set(own) <= columns[table], table


def test_every_table_that_assess_writes_is_documented():
    documented = {m.__name__.lower() for _, _, models in SECTIONS for m in models}
    assert {"lesions", *TABLES} <= documented
