"""Machine code that is kept is that of the present sources, in whichever file they changed."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imaging.machine_code import MARK

CALLER = """
from {package} import {called}
{taken}

@{decorator}
def measure(value: float) -> float:
    return called(value)
"""
CALLED = """
{taken}

@{decorator}
def called(value: float) -> float:
    return {factor} * value
"""
OURS = {"taken": "from imaging import machine_code", "decorator": "machine_code.compiled"}
NUMBA = {"taken": "from numba import njit", "decorator": "njit(cache=True)"}

ROOT = Path(__file__).parents[2]
COMPILED = [
    path
    for room in ("imaging", "measurement")
    for path in sorted((ROOT / room).glob("*.py"))
    if MARK in path.read_bytes() and path.stem != "machine_code"
]

pytestmark = pytest.mark.compiled


def measured(folder, way, factor, **environment):
    """What a new process measures when the function called multiplies by a factor."""
    package = folder / "lengths"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").touch()
    (package / "inner.py").write_text(CALLED.format(factor=factor, **way))
    caller = CALLER.format(package="lengths.inner", called="called", **way)
    (package / "outer.py").write_text(caller)
    done = subprocess.run(
        [sys.executable, "-c", "from lengths.outer import measure; print(measure(10.0))"],
        cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout)


def test_a_change_of_what_is_called_in_another_file_is_compiled_anew(tmp_path):
    assert [measured(tmp_path, OURS, factor) for factor in (2.0, 2.0, 3.0)] == [20.0, 20.0, 30.0]


def test_numba_alone_goes_on_with_the_code_of_before(tmp_path):
    # the defect that is worked round: once this fails, numba has mended it
    assert [measured(tmp_path, NUMBA, factor) for factor in (2.0, 3.0)] == [20.0, 20.0]


def test_kept_code_is_used_again_and_lies_where_the_user_chose(tmp_path):
    chosen = tmp_path / "chosen"
    measured(tmp_path, OURS, 2.0, NUMBA_CACHE_DIR=str(chosen))
    kept = {path: path.stat().st_mtime_ns for path in chosen.rglob("*.nbc")}
    assert len(kept) == 2
    measured(tmp_path, OURS, 2.0, NUMBA_CACHE_DIR=str(chosen))
    assert {path: path.stat().st_mtime_ns for path in chosen.rglob("*.nbc")} == kept
    assert not list((tmp_path / "lengths").rglob("*.nbc"))


@pytest.mark.parametrize("module", COMPILED, ids=lambda path: path.stem)
def test_compiled_functions_take_nothing_from_modules_that_the_digest_leaves_out(module):
    # a constant of such a module would be frozen into machine code that nothing renews
    tree = ast.parse(module.read_text())
    taken = {
        alias.asname or alias.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if (node.module or "").split(".")[0] in ("measurement", "imaging", "assessment")
    }
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.decorator_list:
            for node in ast.walk(ast.Module(function.body, [])):
                if isinstance(node, ast.Name) and node.id in taken:
                    home = ROOT / f"{taken[node.id].replace('.', '/')}.py"
                    what = f"{function.name} uses {node.id} of {taken[node.id]}"
                    assert home in COMPILED, what
                    assert home.parent == module.parent, what


def test_every_compiled_function_is_kept_that_way():
    sources = [path for room in ("imaging", "measurement") for path in (ROOT / room).glob("*.py")]
    found = {path for path in sources if "njit" in path.read_text()}
    assert found == {ROOT / "imaging" / "machine_code.py"}
    assert len(COMPILED) >= 13
