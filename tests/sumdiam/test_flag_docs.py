"""docs/flags.md says all that code can raise, and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pandas as pd

from assessment import PolicySet, assess, read_lesions
from assessment.response_table import Subjects, Warnings
from measurement.lesion_table import Lesions
from measurement.table import columns_of
from sumdiam.export.flag_docs import flag_docs
from sumdiam.report.wording import FLAG_WORDS
from sumdiam.store.settlement import STALE_FLAG

ROOT = Path(__file__).parents[2]
PUBLISHED = (ROOT / "docs" / "flags.md").read_text(encoding="utf-8")
FLAGS, WARNINGS = PUBLISHED.split("## Warnings")
RAISED_BY_NAME = {
    f"{name}_changes" for name in ("site", "node", "organ", "role_given")
} | {f"too_many_{words}" for words in ("targets", "hepatic_targets", "extrahepatic_targets")}  # fmt: skip


def sources(*folders: str) -> str:
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def codes(text: str) -> set[str]:
    return set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE))


def test_the_page_is_what_the_code_says():
    assert flag_docs() == PUBLISHED, "run `make docs` and commit docs/flags.md"


def test_every_flag_that_can_be_raised_is_explained_and_no_other():
    text = sources("measurement", "sumdiam")
    raised = {*re.findall(r'Flag\(\s*"([a-z_]+)"', text), STALE_FLAG}
    raised |= set(re.findall(r'"flags": "([a-z]+_[a-z_]+)"', sources("sumdiam/store")))
    assert raised - codes(FLAGS) == set(), "add it to sumdiam/export/flags.toml"
    assert codes(FLAGS) == set(FLAG_WORDS), "the report and the page know the same flags"


def test_every_warning_that_can_be_raised_is_explained_and_no_other():
    trees = [
        ast.parse((ROOT / "assessment" / name).read_text(encoding="utf-8"))
        for name in ("conformance.py", "warning.py")
    ]
    words = {
        node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)
    }
    names = {
        word for word in words if re.fullmatch(r"[a-z]+(_[a-z]+)+(?<!_mm)(?<!_percent)", str(word))
    }
    columns = {name for model in (Lesions, Subjects, Warnings) for name in columns_of(model)}
    raised = names - columns - set(PolicySet("default").values_for("mrecist"))
    assert (
        codes(WARNINGS) == (raised - {"hepatic_targets", "extrahepatic_targets"}) | RAISED_BY_NAME
    )


def test_a_warning_that_is_raised_is_on_the_page():
    rows = [
        ["S1", "L1", "0", "hepatic", "", "target"],
        ["S1", "L1", "1", "hepatic", "20", "target"],
    ]
    columns = ["subject_id", "lesion_id", "timepoint", "site", "viable_diameter_mm", "role_given"]
    table = read_lesions(pd.DataFrame(rows, columns=columns), "short")
    found = assess(table).warnings["code"].tolist()
    assert found == ["target_not_measured_at_baseline"]
    assert set(found) <= codes(WARNINGS)


def test_every_row_says_what_to_do():
    rows = [line for line in PUBLISHED.splitlines() if line.startswith("| `")]
    assert len(rows) > 45
    for line in rows:
        assert line.rstrip(" |").endswith((".", "`", "`.")), line
