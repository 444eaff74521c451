"""The house itself: what is in the wheel, and what an import drags in."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIXEL_LIBRARIES = {"pydicom", "SimpleITK", "skimage", "numba", "highdicom"}


def modules_after(statement: str) -> set[str]:
    code = (
        f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(told.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import assessment",
        "from assessment import assess",
        "import stats",
        "import stats.survival, stats.proportion",
        "import measurement.lesion_table",
        "import measurement",
    ],
)
def test_numbers_are_assessed_without_any_library_for_pixels(statement: str):
    assert PIXEL_LIBRARIES & modules_after(statement) == set()


def test_stats_knows_nothing_of_tumours():
    assert {"assessment", "measurement", "imaging"} & modules_after(
        "import stats.survival"
    ) == set()


def test_the_command_line_helps_without_loading_the_libraries():
    loaded = modules_after("import sumdiam.cli")
    assert {*PIXEL_LIBRARIES, "pandas", "lifelines", "distributed", "matplotlib"} & loaded == set()


def test_the_wheel_holds_the_packages_and_their_data_and_nothing_of_the_tests(tmp_path: Path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        check=True,
        capture_output=True,
        cwd=ROOT,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    packages = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert packages == {"imaging", "measurement", "assessment", "stats", "sumdiam"}
    for package in packages:
        assert f"{package}/py.typed" in names
    tracked = subprocess.run(
        ["git", "ls-files", *sorted(packages)], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    assert set(tracked) <= set(names)


def test_nothing_but_our_own_words_is_in_the_repository():
    """No binary or large file: third-party data are read where they lie."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split("\0")
    allowed = {".png"}  # pictures of our own report, in docs/
    for name in filter(None, tracked):
        path = ROOT / name
        if not path.exists():
            continue
        data = path.read_bytes()
        if b"\0" in data:
            assert path.suffix in allowed, name
            assert name.startswith("docs/"), name
        assert len(data) < 2_000_000, name


def test_the_arrows_name_every_module_of_measurement_that_assessment_may_not_read():
    import tomllib

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (named,) = [c for c in contracts["contracts"] if c["name"].startswith("assessment reads")]
    modules = {path.stem for path in (ROOT / "measurement").glob("*.py")}
    allowed = {"__init__", "table", "lesion_table"}
    forbidden = {name.removeprefix("measurement.") for name in named["forbidden_modules"]}
    assert modules - allowed == forbidden - {"imaging"}


LONGEST_FUNCTION, LONGEST_MODULE = 50, 400
LONGER_FUNCTIONS = {
    "measurement/denoise.py _dual": "one compiled loop over the dual field",
}


def code_files() -> list[Path]:
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "*.py"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split("\0")
    own = [name for name in tracked if name and not name.startswith(("tests/", "fixtures/"))]
    return [ROOT / name for name in own if (ROOT / name).exists()]


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the head to the end, without the docstring."""
    assert function.end_lineno is not None
    count = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function, clean=False) is None:
        return count
    words = function.body[0]
    assert words.end_lineno is not None
    return count - (words.end_lineno - words.lineno + 1)


def test_functions_have_at_most_fifty_lines_but_those_that_are_named_with_a_reason():
    long = {
        f"{path.relative_to(ROOT)} {node.name}"
        for path in code_files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and lines_of(node) > LONGEST_FUNCTION
    }
    assert long <= set(LONGER_FUNCTIONS), "shorten it, or name it with a reason"


def test_modules_have_at_most_four_hundred_lines():
    long = {
        str(path.relative_to(ROOT)): count
        for path in code_files()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_MODULE
    }
    assert long == {}
