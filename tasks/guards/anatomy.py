"""What a test module holds, by its syntax tree: its tests, what each asserts, and what keeps them from running."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef

_SKIPS = frozenset(
    ("skipif", "skipIf", "skipUnless", "xfail", "SkipTest", "skipTest", "expectedFailure", "importorskip")
)
_SKIPPERS = frozenset(("pytest", "unittest", "mark"))  # whose ``skip`` it is; others may skip what they like
_EXPECTS = frozenset(("raises", "warns", "deprecated_call", "fail"))
# With these a conftest.py (or a test module) decides what is collected, run, or counted as passed.
_STEERING = frozenset(
    (
        *("collect_ignore", "collect_ignore_glob", "__test__", "pytest_ignore_collect", "pytest_collect_file"),
        *("pytest_collection_modifyitems", "pytest_itemcollected", "pytest_runtest_protocol", "pytest_runtest_setup"),
        *("pytest_runtest_call", "pytest_runtest_makereport", "pytest_pyfunc_call", "pytest_report_teststatus"),
        *("pytest_sessionfinish", "pytest_runtestloop", "pytest_configure", "pytest_cmdline_main", "pytest_plugins"),
    )
)
_SWALLOWS = frozenset(("AssertionError", "Exception", "BaseException"))
_REFLEXIVE = (ast.Eq, ast.Is, ast.GtE, ast.LtE)
_DEPTH = 3


@dataclass(frozen=True)
class Test:
    """One test: its name (``TestX::test_y``), how often it asserts, its cases (None: nobody knows), and its body."""

    name: str
    asserts: int
    cases: int | None
    body: str


@dataclass(frozen=True)
class Anatomy:
    """A test module. ``steering`` maps what decides over collection to how it reads."""

    tests: dict[str, Test] = field(default_factory=dict)
    skips: int = 0
    steering: dict[str, str] = field(default_factory=dict)


def dissect(text: str, without: frozenset[str] = frozenset()) -> Anatomy:
    """Read a module; SyntaxError when it is none. Skips in the tests and classes named in ``without`` do not count."""
    tree = ast.parse(text)
    helpers = {each.name: each for each in ast.walk(tree) if isinstance(each, Function)}
    tests = {name: _test(name, function, helpers) for name, function in _tests(tree)}
    skips = sum(1 for each in _walk(tree, without) if _is_skip(each, _skippers(tree)))
    return Anatomy(tests, skips, dict(_steering(tree)))


def _tests(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    for node in tree.body:
        if isinstance(node, Function) and node.name.startswith("test"):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, Function) and inner.name.startswith("test"):
                    yield f"{node.name}::{inner.name}", inner


def _test(name: str, function: Function, helpers: dict[str, Function]) -> Test:
    body = "\n".join(ast.dump(each) for each in function.body)
    return Test(name, _asserts(function, helpers, _DEPTH), _cases(function), body)


def _asserts(function: Function, helpers: dict[str, Function], depth: int) -> int:
    """How many statements of a test can fail it; helpers of the same file that it calls count with theirs."""
    count = 0
    for node in _reached(function.body):
        if isinstance(node, ast.Assert):
            count += not _trivial(node.test)
        elif isinstance(node, ast.Call):
            name = _last_name(node.func)
            if name in helpers and helpers[name] is not function and depth:
                count += _asserts(helpers[name], helpers, depth - 1)
            elif name in _EXPECTS or name.lower().startswith("assert"):
                count += not (node.args and all(isinstance(each, ast.Constant) for each in node.args))
    return count


def _reached(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """All nodes that can run and whose failure can be seen."""
    for statement in body:
        if isinstance(statement, ast.If) and _never(statement.test):
            yield from _reached(statement.orelse)
        elif isinstance(statement, ast.Try) and any(_swallows(each) for each in statement.handlers):
            yield from _reached([*statement.orelse, *statement.finalbody])
        elif isinstance(statement, ast.With | ast.AsyncWith) and any(_suppresses(each) for each in statement.items):
            continue
        else:
            yield from _inside(statement)
        if isinstance(statement, ast.Return | ast.Raise):
            return


def _inside(statement: ast.stmt) -> Iterator[ast.AST]:
    """A statement and what is in it; blocks are looked at as above."""
    yield statement
    for _, value in ast.iter_fields(statement):
        parts = value if isinstance(value, list) else [value]
        blocks = [each for each in parts if isinstance(each, ast.stmt)]
        yield from _reached(blocks)
        for part in parts:
            if isinstance(part, ast.AST) and not isinstance(part, ast.stmt):
                yield from ast.walk(part)


def _swallows(handler: ast.ExceptHandler) -> bool:
    named = {"BaseException"} if handler.type is None else {_last_name(each) for each in ast.walk(handler.type)}
    ends = any(isinstance(each, ast.Raise) or _fails(each) for each in ast.walk(handler))
    return bool(named & _SWALLOWS) and not ends


def _fails(node: ast.AST) -> bool:
    return isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and _last_name(node.func) in _EXPECTS)


def _suppresses(item: ast.withitem) -> bool:
    call = item.context_expr
    if not isinstance(call, ast.Call) or _last_name(call.func) != "suppress":
        return False
    return any(_last_name(each) in _SWALLOWS for each in call.args)


def _trivial(test: ast.expr) -> bool:
    """``assert True``, ``assert 1 == 1``, ``assert x == x``, ``assert x or True``: it cannot fail."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.Tuple):
        return bool(test.elts)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _never(test.operand)
    if isinstance(test, ast.BoolOp):
        some = any if isinstance(test.op, ast.Or) else all
        return some(_trivial(each) for each in test.values)
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], _REFLEXIVE):
        return ast.dump(test.left) == ast.dump(test.comparators[0])
    return False


def _never(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and not test.value


def _cases(function: Function) -> int | None:
    """How many cases the lists of ``parametrize`` give (1 without); None when one of them is not written out."""
    cases = 1
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and _last_name(decorator.func) == "parametrize" and len(decorator.args) > 1:
            values = decorator.args[1]
            if not isinstance(values, ast.List | ast.Tuple | ast.Set):
                return None
            cases *= len(values.elts)
    return cases


def _walk(node: ast.AST, without: frozenset[str], owner: str = "") -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        name = owner
        if isinstance(child, Function | ast.ClassDef):
            name = f"{owner}::{child.name}" if owner else child.name
            if name in without:
                continue
        yield from _walk(child, without, name)


def _skippers(tree: ast.Module) -> frozenset[str]:
    """pytest, unittest and mark, under the names that this module gives them, and a ``skip`` imported from them."""
    found = set(_SKIPPERS)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            ours = isinstance(node, ast.ImportFrom) and node.module in _SKIPPERS
            found |= {each.asname or each.name for each in node.names if ours or each.name in _SKIPPERS}
    return frozenset(found)


def _is_skip(node: ast.AST, skippers: frozenset[str]) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in _SKIPS or (node.attr == "skip" and _last_name(node.value) in skippers)
    return isinstance(node, ast.Name) and (node.id in _SKIPS or (node.id == "skip" and "skip" in skippers))


def _steering(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, Function):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [_last_name(target) for target in node.targets]
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            names = [_last_name(node.target)]
        for name in names:
            if name in _STEERING:
                yield name, ast.dump(node)


def _last_name(node: ast.AST) -> str:
    """``raises`` of ``pytest.raises``."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
