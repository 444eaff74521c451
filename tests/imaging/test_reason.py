"""Every reason has a sentence and a remedy, and the published list is the list."""

import ast
import re
from pathlib import Path

from imaging.reason import REASONS, reason_table

ROOT = Path(__file__).parents[2]


def test_the_table_names_every_code_once():
    named = re.findall(r"^\| `([a-z0-9_]+)` \|", reason_table(), re.MULTILINE)
    assert sorted(named) == sorted(REASONS)


def test_every_reason_says_what_is_wrong_and_how_to_mend_it():
    for code, reason in REASONS.items():
        assert reason.code == code
        assert re.fullmatch(r"[a-z0-9_]+", code)
        assert reason.remedy.endswith(".")
        assert not reason.sentence.endswith(".")


def test_every_code_in_the_list_is_given_by_the_reading_code_and_none_is_unknown():
    used = set()
    for path in sorted((ROOT / "imaging").glob("*.py")):
        if path.name != "reason.py":
            used |= {
                node.value
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
    assert set(REASONS) <= used
