"""Mutants of Python code: one small change each, made in the syntax tree.

A mutant is applied to the functions that are already loaded (their code and defaults are swapped),
so that a forked process needs no import anew: cosmic-ray's process per mutant would spend three
seconds on imports alone, and mutmut leaves out properties and constants of a module. Not mutated
are annotations, decorators, docstrings, `strict=` of zip, and the words of sentences.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMPARED = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
COMPUTED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
NAMES = {
    "maximum": "minimum", "minimum": "maximum", "any": "all", "all": "any", "min": "max",
    "max": "min", "zeros_like": "ones_like", "ones_like": "zeros_like", "zeros": "ones",
    "ones": "zeros", "sorted": "list", "argmax": "argmin", "rint": "floor",
}  # fmt: skip
CODES = (
    ("CR", "PR", "SD", "NON_CR_NON_PD", "PD", "NE", "NED", "NA", "NONE"),
    ("TARGET", "NON_TARGET", "NEW", "NO_ROLE"),
    (
        "BY_SUM", "BY_RETURN_AFTER_CR", "BY_RETURN", "BY_RETURN_LARGE", "CARRIED", "BY_LESION",
        "BY_ATTENUATION", "NO_ATTENUATION",
    ),
    ("FALLEN", "UNKNOWN"),
)  # fmt: skip
"""Each code is put in the place of the one before it."""
UNTOUCHED = {"annotation", "returns", "decorator_list", "type_params"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where, what, and the tree of the whole changed module."""

    file: str
    function: str
    line: int
    operator: str
    before: str
    after: str
    key: str


def _swapped(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    """Yield a call of `choose` or `np.where` with its two answers exchanged."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in {"choose", "where"} and len(node.args) == 3:
        condition, one, other = node.args
        yield "answers exchanged", ast.Call(node.func, [condition, other, one], node.keywords)


def _binary(node: ast.BinOp) -> Iterator[tuple[str, ast.AST]]:
    """Yield another operator, and for `&` and `|` each side alone."""
    other = COMPUTED.get(type(node.op))
    if other is not None:
        yield "operator", ast.BinOp(node.left, other(), node.right)
    if isinstance(node.op, ast.BitAnd | ast.BitOr):
        yield "one side alone", node.left
        yield "one side alone", node.right


def _constant(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    """Yield the other truth, or the whole numbers beside one."""
    if isinstance(node.value, bool):
        yield "truth", ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield "number", ast.Constant(node.value + 1)
        yield "number", ast.Constant(node.value - 1)


def _named(name: str) -> str | None:
    """Return what a name is replaced by."""
    for group in CODES:
        if name in group:
            return group[(group.index(name) + 1) % len(group)]
    return NAMES.get(name)


def _name(node: ast.Name | ast.Attribute) -> Iterator[tuple[str, ast.AST]]:
    """Yield another name in the place of one that is read."""
    other = _named(node.id if isinstance(node, ast.Name) else node.attr)
    if other and isinstance(node.ctx, ast.Load):
        is_name = isinstance(node, ast.Name)
        yield (
            "name",
            ast.Name(other, node.ctx) if is_name else ast.Attribute(node.value, other, node.ctx),
        )


def _compare(node: ast.Compare) -> Iterator[tuple[str, ast.AST]]:
    """Yield other comparisons: one step beside, and the contrary."""
    if len(node.ops) == 1:
        for other in COMPARED[type(node.ops[0])]:
            yield "comparison", ast.Compare(node.left, [other()], node.comparators)


def _statement(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield nothing in the place of a statement, another operator, a condition turned around."""
    if isinstance(node, ast.AugAssign) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield "statement dropped", ast.Pass()
    if isinstance(node, ast.AugAssign) and type(node.op) in COMPUTED:
        yield "operator", ast.AugAssign(node.target, COMPUTED[type(node.op)](), node.value)
    if isinstance(node, ast.If) and not isinstance(node.test, ast.Compare | ast.UnaryOp):
        yield "condition turned", ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)


def _nothing(_: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield nothing: other nodes stay as they are."""
    yield from ()


def _boolean(node: ast.BoolOp) -> Iterator[tuple[str, ast.AST]]:
    """Yield `or` for `and`, and the other way."""
    yield (
        "and, or",
        ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values),
    )


def _unary(node: ast.UnaryOp) -> Iterator[tuple[str, ast.AST]]:
    """Yield the operand without its sign."""
    yield "sign dropped", node.operand


CHANGES: dict[type, Callable[[Any], Iterator[tuple[str, ast.AST]]]] = {
    ast.Compare: _compare, ast.BinOp: _binary, ast.UnaryOp: _unary, ast.BoolOp: _boolean,
    ast.Constant: _constant, ast.Name: _name, ast.Attribute: _name, ast.Call: _swapped,
    ast.AugAssign: _statement, ast.Expr: _statement, ast.If: _statement,
}  # fmt: skip
"""By kind of node: what yields, each with the kind of change, what may stand in its place."""


def _places(
    node: ast.AST, function: tuple[str, ...]
) -> Iterator[tuple[ast.AST, str, int | None, ast.AST, tuple[str, ...]]]:
    """Yield parent, field, index, child and enclosing names of whatever may be changed."""
    for field, value in ast.iter_fields(node):
        if field in UNTOUCHED or (isinstance(node, ast.keyword) and node.arg == "strict"):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST):
                continue
            named = isinstance(child, ast.FunctionDef | ast.ClassDef)
            inner = (*function, child.name) if named else function
            yield node, field, index, child, inner
            yield from _places(child, inner)


def _put(parent: ast.AST, field: str, index: int | None, child: ast.AST) -> None:
    """Put a node in its place."""
    if index is None:
        setattr(parent, field, child)
    else:
        getattr(parent, field)[index] = child


def _shown(node: ast.AST) -> str:
    """Return one line of code."""
    whole = ast.If(node.test, [ast.Pass()], []) if isinstance(node, ast.If) else node
    return " ".join(ast.unparse(ast.fix_missing_locations(whole)).split())


def mutants(path: Path, root: Path) -> Iterator[tuple[Mutant, Callable[[], types.CodeType]]]:
    """Yield the mutants of a module, each with what compiles it until the next one is asked for."""
    name = path.relative_to(root).as_posix()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    seen = set()
    for whole in tree.body:
        outer = (whole.name,) if isinstance(whole, ast.FunctionDef | ast.ClassDef) else ()
        for parent, field, index, child, function in list(_places(whole, outer)):
            for operator, other in CHANGES.get(type(child), _nothing)(child):
                placed = ast.copy_location(copy.copy(other), child)
                _put(parent, field, index, placed)
                ast.fix_missing_locations(placed)
                text = f"{name}\x1f{ast.unparse(whole)}"
                key = hashlib.sha256(text.encode()).hexdigest()[:16]
                if key not in seen:
                    seen.add(key)
                    where = ".".join(function) or "module"
                    shown = _shown(child), _shown(other)
                    mutant = Mutant(name, where, child.lineno, operator, *shown, key)
                    yield mutant, lambda: compile(tree, str(path), "exec")
                _put(parent, field, index, child)


def functions_of(space: dict[str, object], module: str) -> dict[str, types.FunctionType]:
    """Return the functions and methods that a module defines, by qualified name."""
    found = {}
    holders = [space]
    holders += [
        dict(vars(value))
        for value in space.values()
        if isinstance(value, type) and value.__module__ == module
    ]
    for holder in holders:
        for value in holder.values():
            if isinstance(value, property):
                value = value.fget  # noqa: PLW2901
            value = getattr(value, "__func__", value)  # noqa: PLW2901
            value = getattr(value, "__wrapped__", value)  # noqa: PLW2901
            if isinstance(value, types.FunctionType) and value.__module__ == module:
                found[value.__qualname__] = value
    return found


def apply_code(module: str, code: types.CodeType) -> None:
    """Put a changed module's functions and constants in the place of the loaded ones."""
    live = sys.modules[module]
    space = {"__name__": module, "__file__": live.__file__}
    exec(code, space)  # noqa: S102
    changed = functions_of(space, module)
    for name, function in functions_of(vars(live), module).items():
        function.__code__ = changed[name].__code__
        function.__defaults__ = changed[name].__defaults__
        function.__kwdefaults__ = changed[name].__kwdefaults__
    package = module.partition(".")[0]
    users = [user for name, user in sys.modules.items() if name.partition(".")[0] == package]
    for name, value in space.items():
        old = getattr(live, name, None)
        if isinstance(value, int | tuple | slice) and value != old:
            for user in users:
                if vars(user).get(name, space) == old:
                    setattr(user, name, value)
