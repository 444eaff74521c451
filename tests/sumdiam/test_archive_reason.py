"""Every reason code that is written somewhere has a sentence and a remedy."""

import re
from pathlib import Path

import pytest

from imaging.reason import REASONS as IMAGING_REASONS
from sumdiam.archive import reason

ROOT = Path(reason.__file__).parent.parent


def test_every_code_says_what_is_wrong_and_how_to_mend_it():
    for code, (said, remedy) in reason.REASONS.items():
        assert re.fullmatch(r"[a-z_]+", code)
        assert said
        assert remedy.endswith(".")


def test_a_code_of_imaging_has_its_sentence_too():
    for code in IMAGING_REASONS:
        assert reason.sentence(code)


def test_the_published_list_is_the_list_in_the_code():
    published = (ROOT.parent / "docs" / "reason-codes.md").read_text("utf-8")
    assert published == reason.reason_document(), (
        'python -c "from sumdiam.archive.reason import reason_document as d; print(d(), end=str())" '
        "> docs/reason-codes.md"
    )
    named = re.findall(r"^\| `([a-z0-9_]+)` \|", published, re.MULTILINE)
    assert set(named) == {*reason.REASONS, *IMAGING_REASONS}


def test_no_code_has_two_meanings():
    assert not set(reason.REASONS) & set(IMAGING_REASONS) - {"no_date"}


@pytest.mark.parametrize(
    "module", ["batch/refusal.py", "batch/study.py", "batch/study_task.py", "batch/volume_use.py"]
)
def test_a_code_that_is_given_is_a_code_that_is_listed(module):
    text = (ROOT / module).read_text()
    given = re.findall(r'(?:yield \(?\s*|_note\(|RefusedError\(|"exclude", )"([a-z_]+)"', text)
    assert all(code in reason.REASONS or code in IMAGING_REASONS for code in given), given
