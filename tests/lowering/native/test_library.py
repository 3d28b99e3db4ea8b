"""Compiling and the cache: without a compiler, with one that fails, damaged files, several processes at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from symgd import formula, to_torch
from symgd.lowering.native import library as lib

PACKAGE = Path(__file__).resolve().parents[3]
SOURCE = "int answer(void) { return 42; }\n"
LOSS = formula("mean((w*x - y)^2)", given="x[n], y[n]")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMGD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_library_is_compiled_once(cache, monkeypatch):
    assert lib.library(SOURCE).answer() == 42
    monkeypatch.setattr(lib, "_compile", lambda *arguments: pytest.fail("compiled again"))
    assert lib.library(SOURCE).answer() == 42
    assert [path.suffix for path in cache.iterdir()] == [".so"]


def test_other_sources_are_other_files(cache):
    lib.library(SOURCE)
    assert lib.library(SOURCE.replace("42", "43")).answer() == 43
    assert len(list(cache.iterdir())) == 2


def test_a_damaged_file_is_made_anew(cache):
    cache.mkdir()
    made = lib.library(SOURCE)
    (path,) = cache.iterdir()
    del made
    damaged = path.with_name("other.so")
    damaged.write_bytes(b"half a file")
    path.unlink()  # a library in use is never written into: a new file takes its place
    damaged.rename(path)
    assert lib.library(SOURCE + "\n").answer() == 42
    assert lib.library(SOURCE).answer() == 42


def test_what_a_killed_process_leaves_is_no_hindrance(cache):
    (cache / "making-1234").mkdir(parents=True)
    (cache / "making-1234" / "program.c").write_text("int half(")
    assert lib.library(SOURCE).answer() == 42


def test_processes_at_once(cache):
    program = (
        "from symgd import formula, to_torch\n"
        "p = to_torch(formula('sum(x.^2)', given='x[n]'), gradient=['x'], backend='native')\n"
        "print(p.backend, float(p(x=[1.0, 2.0])[0]))"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=PACKAGE, env={**os.environ})
        for _ in range(4)
    ]
    assert [process.communicate(timeout=120)[0] for process in running] == ["native 5.0\n"] * 4
    assert len(list(cache.iterdir())) == 1


def test_without_a_compiler(monkeypatch):
    monkeypatch.setattr(lib, "compiler", lambda: None)
    program = to_torch(LOSS, gradient=["w"], backend="native")
    assert program.backend == "eager"
    assert program.backend.why == "native is not possible: no C compiler is found"
    assert float(program(w=1.0, x=[1, 2], y=[2, 4])[0]) == 2.5


def test_the_compiler_that_is_named_is_taken(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    assert lib.compiler() is None
    monkeypatch.setenv("CC", "cc -pipe")
    assert lib.compiler().endswith("/cc")


def test_a_compiler_that_fails(cache, monkeypatch):
    monkeypatch.setenv("CC", "false")
    program = to_torch(LOSS, backend="native")
    assert program.backend == "eager"
    assert program.backend.why.startswith("native is not possible: the C compiler /")
    assert "fails: no message" in program.backend.why


def test_a_source_that_is_no_c(cache):
    with pytest.raises(lib.NoCompiler, match=r"the C compiler .* fails: .*error"):
        lib.library("int half(")
    assert list(cache.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write anywhere")
def test_a_cache_that_cannot_be_written_to(tmp_path, monkeypatch):
    tmp_path.chmod(0o500)
    monkeypatch.setenv("SYMGD_CACHE", str(tmp_path / "cache"))
    assert lib.library(SOURCE).answer() == 42


def test_a_cache_that_is_a_file(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("no folder")
    monkeypatch.setenv("SYMGD_CACHE", str(tmp_path / "cache"))
    assert lib.library(SOURCE).answer() == 42


# ---- which backend runs ----------------------------------------------------------------------------------------------


def test_what_has_no_c_form_is_named():
    logdet = to_torch(formula("logdet(X)", given="X[n,n]"), backend="auto")
    assert (logdet.backend, logdet.backend.why) == ("eager", "native is not possible: it lacks logdet")
    half = to_torch(LOSS, dtype=torch.bfloat16, backend="auto")
    assert (half.backend, half.backend.why) == ("eager", "native is not possible: it has no bfloat16")


def test_auto_takes_python_without_arrays_and_native_with_them():
    scalar = to_torch(formula("(1-a)^2 + 100*(b-a^2)^2"), gradient=["a", "b"], backend="auto")
    assert (scalar.backend, scalar.backend.why) == ("python", "the formula has no arrays")
    arrays = to_torch(LOSS, gradient=["w"], backend="auto")
    assert (arrays.backend, arrays.backend.why) == ("native", "the formula has arrays")


def test_python_in_single_precision_is_eager():
    program = to_torch(LOSS, dtype=torch.float32, backend="python")
    assert (program.backend, program.backend.why) == ("eager", "plain Python is for float64 on the processor")
