"""What a verb of the command line is, and what all verbs share: the formula, its declarations, the form of the answer.

A verb is one module with one `Verb`; the table in `symgd.cli` lists them. A verb returns an exit code and raises `SymgdError` on
what the user can mend; it never prints an error itself.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import symgd
from symgd.errors import FormulaError, LimitError, SymgdError
from symgd.formula import Formula

FINE, REFUTED, BAD_INPUT, UNDECIDED, FAULT = 0, 1, 2, 3, 70
INTERRUPTED = 130

_STDIN_BYTES = 1 << 20  # far more than the limit on formulas; it only keeps an endless stream out of memory


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: `options` adds its arguments to a parser, `run` does the work and returns the exit code.

    `short` are its options of one letter: every other text that begins with one `-` is a formula.
    """

    name: str
    summary: str
    examples: tuple[str, ...]
    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    short: tuple[str, ...] = ()


class UsageError(SymgdError):
    """A command line that cannot be understood: an unknown verb or option, a missing argument."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}.", hint=f"{self.prog} --help shows what it takes.")


def parser_of(verb: Verb) -> argparse.ArgumentParser:
    """The parser of one verb's arguments."""
    examples = "\n".join(["examples:", *(f"  symgd {example}" for example in verb.examples)])
    parser = _Parser(
        prog=f"symgd {verb.name}",
        description=verb.summary,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("formula", metavar="FORMULA", type=text, help="the formula; - reads it from standard input")
    verb.options(parser)
    parser.add_argument("--given", metavar="TEXT", type=text, default="", help='declarations: "A[m,n], x[n], t > 0"')
    parser.add_argument("--latex", action="store_true", help="the formula is LaTeX")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def parsed(verb: Verb, arguments: list[str]) -> argparse.Namespace:
    """The arguments of a verb. Options may stand anywhere; a text that begins with one `-` is a formula, as in "-x^2"."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [_shielded(argument) if _is_negative(argument, verb.short) else argument for argument in arguments[:end]]
    texts = [_shielded(argument) for argument in arguments[end + 1 :]]
    return parser_of(verb).parse_intermixed_args(options + texts)


def _is_negative(argument: str, short: tuple[str, ...]) -> bool:
    return argument.startswith("-") and not argument.startswith("--") and argument not in ("-", "-h", *short)


def _shielded(argument: str) -> str:
    """The argument with a space before its minus sign: then argparse takes it for no option."""
    return " " + argument if argument.startswith("-") and argument != "-" else argument


def text(argument: str) -> str:
    """An argument without the space that `parsed` puts before a leading minus sign."""
    return argument[1:] if argument.startswith(" -") else argument


def read_formula(arguments: argparse.Namespace) -> Formula:
    """The formula that the arguments give, from the command line or from standard input; warns of what may not be meant."""
    source = from_stdin() if arguments.formula == "-" else arguments.formula
    f = symgd.formula(source, given=arguments.given, syntax="latex" if arguments.latex else "infix")
    for warning in f.reading.warnings if f.reading is not None else ():
        warnings.warn(warning, stacklevel=2)
    return f


def from_stdin() -> str:
    """Standard input as text. Raises LimitError where it is long, FormulaError where it is no UTF-8."""
    stream = getattr(sys.stdin, "buffer", None)
    data: bytes = stream.read(_STDIN_BYTES + 1) if stream is not None else b""
    if len(data) > _STDIN_BYTES:
        raise LimitError(f"standard input is longer than {_STDIN_BYTES} bytes.", hint="Give one formula.")
    try:
        found = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        reason = f"standard input is no UTF-8 text: byte {error.start} is 0x{data[error.start]:02x}."
        raise FormulaError(reason, hint="Save it as UTF-8.") from None
    if not found:
        raise FormulaError("standard input is empty.", hint='Pipe a formula in, as in: echo "x^2" | symgd derive - x')
    return found


def print_json(answer: dict[str, Any]) -> None:
    """One JSON object on one line. JSON has no infinities: those are the texts "inf", "-inf" and "nan", which Python's float reads."""
    print(json.dumps(_plain(answer), ensure_ascii=False, allow_nan=False))


def _plain(value: Any) -> Any:
    """The value with lists, texts and finite numbers only."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return str(value)
