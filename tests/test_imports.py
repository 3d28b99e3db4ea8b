"""Imports go one way, down the list of rooms; nothing that runs text is called; `import symgd` is light. Checked on the source."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "symgd"

# Rooms by level: a module imports from its own room and from lower levels. Rooms of one level know nothing of each other.
LEVELS = (
    ("errors",),
    ("algebra",),
    ("calculus",),
    ("language", "notation"),
    ("formula",),
    ("functions",),
    ("verify", "lowering"),
    ("descent",),
    ("notes",),
    ("__init__",),
    ("cli", "bench"),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}

HEAVY = {"torch": ("lowering", "descent"), "matplotlib": ()}  # who may import them at the top

RUNS_TEXT = {"eval", "exec", "compile", "__import__"}  # as plain names
READS_TEXT = {"sympify", "parse_expr", "literal_eval", "parse_latex", "parse_mathematica", "S"}  # also as attributes
FORBIDDEN_MODULES = {"ast", "pickle", "marshal", "shelve", "code", "codeop", "runpy"}
RUNS_GENERATED_SOURCE = "lowering/compiled.py"  # the one place: it runs source whose every name symgd made


def room_of(module: str) -> str:
    """The room of a module by its dotted name: symgd.algebra.expression is in algebra, symgd itself is __init__."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports_of(tree: ast.Module) -> Iterator[tuple[str, int, bool]]:
    """The modules imported, with the line, and whether that stands inside a function."""

    def walk(node: ast.AST, inside: bool) -> Iterator[tuple[str, int, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((alias.name, child.lineno, inside) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                origin = child.module or ""
                if child.level:
                    yield "." * child.level + origin, child.lineno, inside
                elif origin == "symgd":  # from symgd import errors: the module is in the name, if it is one
                    yield from ((f"symgd.{a.name}" if a.name in LEVEL else "symgd", child.lineno, inside) for a in child.names)
                else:
                    yield origin, child.lineno, inside
            yield from walk(child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))

    return walk(tree, False)


def direction_faults(source: str, module: str) -> list[str]:
    """Imports of `module` (dotted) that go up or aside, or bring in torch or matplotlib too early."""
    faults = []
    here = room_of(module)
    for imported, line, inside in imports_of(ast.parse(source)):
        top = imported.split(".")[0]
        if imported.startswith("."):
            faults.append(f"{module}:{line} imports {imported}; write the full name")
        elif top == "symgd":
            there = room_of(imported)
            if there not in LEVEL:
                faults.append(f"{module}:{line} imports {imported}, which is in no room")
            lazily = inside and here in ("formula", "__init__")  # where the user's objects offer a verb of a later room
            if there != here and LEVEL.get(there, 0) >= LEVEL[here] and not lazily:
                faults.append(f"{module}:{line} imports {imported}: from {here} that is not down")
        elif top in HEAVY and not inside and here not in HEAVY[top]:
            faults.append(f"{module}:{line} imports {top} at the top")
    return faults


def text_faults(source: str, module: str) -> list[str]:
    """Calls and imports by which text would be run, or read by somebody else's parser."""
    faults = []
    tree = ast.parse(source)
    for imported, line, _ in imports_of(tree):
        if imported.split(".")[0] in FORBIDDEN_MODULES or "parsing" in imported.split("."):
            faults.append(f"{module}:{line} imports {imported}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in RUNS_TEXT | READS_TEXT - {"S"}:
            faults.append(f"{module}:{node.lineno} uses {node.id}")
        if isinstance(node, ast.Attribute) and node.attr in READS_TEXT:
            faults.append(f"{module}:{node.lineno} uses {node.attr}")
        if isinstance(node, ast.ImportFrom):
            faults += [f"{module}:{node.lineno} imports {a.name}" for a in node.names if a.name in READS_TEXT and node.module == "sympy"]
    return faults


def sources() -> Iterator[tuple[str, str, str]]:
    """Path inside the package, dotted name and text of every module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        inner = path.relative_to(PACKAGE)
        parts = [part for part in inner.with_suffix("").parts if part != "__init__"]
        yield inner.as_posix(), ".".join(["symgd", *parts]), path.read_text(encoding="utf-8")


def test_every_module_is_in_a_room() -> None:
    assert {room_of(module) for _, module, _ in sources()} <= set(LEVEL)


def test_imports_go_down() -> None:
    assert [fault for _, module, source in sources() for fault in direction_faults(source, module)] == []


def test_no_text_is_run() -> None:
    found = {path: faults for path, module, source in sources() if (faults := text_faults(source, module))}
    allowed = found.pop(RUNS_GENERATED_SOURCE, [])
    assert found == {}
    assert all(fault.endswith((" uses exec", " uses compile")) for fault in allowed)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("symgd.algebra.expression", "from symgd.formula import Formula"),
        ("symgd.algebra.expression", "def f():\n    import symgd.calculus.derive"),
        ("symgd.errors", "from symgd import formula"),
        ("symgd.language.infix", "from symgd.notation.latex import latex"),
        ("symgd.notation.latex", "import symgd.language"),
        ("symgd.verify.check", "from symgd.lowering.program import Program"),
        ("symgd.formula", "from symgd.lowering.evaluate import evaluate"),
        ("symgd.descent.loop", "import symgd"),
        ("symgd.descent.loop", "from symgd.cli import main"),
        ("symgd.algebra.simplify", "from . import expression"),
        ("symgd.algebra.simplify", "import torch"),
        ("symgd.cli.derive", "import torch.nn"),
        ("symgd.descent.loop", "from matplotlib import pyplot"),
        ("symgd.formula", "from symgd.utils import first"),
    ],
)
def test_planted_directions_are_found(module: str, source: str) -> None:
    assert direction_faults(source, module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("symgd.formula", "def f():\n    from symgd.lowering.evaluate import evaluate"),
        ("symgd.formula", "from symgd.language import elaborate"),
        ("symgd.lowering.program", "import torch"),
        ("symgd.cli.derive", "import symgd\nfrom symgd.errors import SymgdError"),
        ("symgd.algebra.simplify", "def f():\n    import torch"),
    ],
)
def test_good_directions_pass(module: str, source: str) -> None:
    assert direction_faults(source, module) == []


@pytest.mark.parametrize(
    "source",
    [
        "eval(text)",
        "exec(text)",
        "run = eval",
        "compile(text, '', 'eval')",
        "__import__(name)",
        "import ast",
        "def f():\n    import pickle",
        "from ast import literal_eval",
        "from pickle import loads",
        "import sympy\nsympy.sympify(text)",
        "from sympy import sympify",
        "from sympy import S",
        "import sympy\nsympy.S(text)",
        "from sympy.parsing.sympy_parser import parse_expr",
        "import sympy.parsing.latex",
    ],
)
def test_planted_readers_are_found(source: str) -> None:
    assert text_faults(source, "symgd.formula")


@pytest.mark.parametrize("source", ["import re\nre.compile('x')", "torch.compile(f)", "evaluate(f)", "import sympy\nsympy.Integer(1)"])
def test_harmless_look_alikes_pass(source: str) -> None:
    assert text_faults(source, "symgd.formula") == []


def python(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=PACKAGE.parent).stdout


def test_import_is_light() -> None:
    loaded = python("import sys, symgd; print(*sys.modules)").split()
    assert not {"torch", "matplotlib", "sympy", "numpy"} & set(loaded)


def test_import_is_fast() -> None:
    seconds = []
    for _ in range(3):
        before = os.times()
        python("import symgd")
        after = os.times()  # processor time: how busy the machine is besides is not what is measured
        seconds.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert min(seconds) < 0.8
