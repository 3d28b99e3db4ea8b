"""The command line: `symgd VERB FORMULA …`, one module per verb.

Exit codes: 0 fine; 1 a claim was refuted or a descent diverged; 2 bad input, with a message on standard error; 3 undecided;
70 a fault of symgd itself. Answers go to standard output, messages and warnings to standard error. Parsing is argparse's,
not typer's: typer and what it imports take longer (0.2 s) than reading and deriving a formula.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, TextIO

from symgd.cli import check, compare, derive, descend, export, notes, plot
from symgd.cli.verb import BAD_INPUT, FAULT, FINE, INTERRUPTED, UsageError, Verb, parsed
from symgd.errors import SymgdError

VERBS: dict[str, Verb] = {module.VERB.name: module.VERB for module in (derive, check, compare, descend, notes, plot, export)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Never raises: a user's fault is a message, and so is ours."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without ∇ shows \u2207
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = _show_warning
        try:
            code = _command(list(sys.argv[1:] if arguments is None else arguments))
            sys.stdout.flush()
            return code
        except SymgdError as error:
            print(f"error: {error}", file=sys.stderr)
            return BAD_INPUT
        except SystemExit as asked:  # --help
            return asked.code if isinstance(asked.code, int) else FINE
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return INTERRUPTED
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the flush at exit would complain once more
            return FINE
        except Exception as error:  # a fault of ours: say where, without the traceback
            print(f"internal error, a fault of symgd: {type(error).__name__}: {error} ({_place(error)})", file=sys.stderr)
            return FAULT


def _command(arguments: list[str]) -> int:
    if not arguments:
        raise UsageError("a verb is missing.", hint="symgd --help lists the verbs.")
    name, *rest = arguments
    if name in ("--help", "-h"):
        print(_help())
        return FINE
    if name == "--version":
        from importlib.metadata import version

        print(f"symgd {version('symgd')}")
        return FINE
    verb = VERBS.get(name)
    if verb is None:
        near = get_close_matches(name, VERBS, 1)
        hint = f"Did you mean {near[0]}?" if near else f"The verbs are {', '.join(VERBS)}."
        raise UsageError(f"unknown {'option' if name.startswith('-') else 'verb'} {name[:40]!r}.", hint=hint)
    return verb.run(parsed(verb, rest))


def _help() -> str:
    width = max(map(len, VERBS))
    return "\n".join(
        [
            "usage: symgd VERB FORMULA … [--given TEXT] [--latex] [--json]",
            "",
            "Symbolic derivations of losses and functions: gradients, lowered to PyTorch and descended.",
            "",
            "verbs:",
            *(f"  {verb.name:{width}}  {verb.summary}" for verb in VERBS.values()),
            "",
            "options:",
            "  --help     show this, or what a verb takes: symgd derive --help",
            "  --version  show the version",
            "",
            "examples:",
            *(f"  symgd {verb.examples[0]}" for verb in VERBS.values()),
            "",
            "exit codes: 0 fine; 1 refuted or diverged; 2 bad input; 3 undecided",
        ]
    )


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None, line: str | None = None
) -> None:
    print(f"warning: {message}", file=sys.stderr)


def _place(error: BaseException) -> str:
    """The file and line that raised it."""
    trace: Any = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace is not None else "?"
