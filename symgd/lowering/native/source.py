"""The C source of a plan: one function for a call, one for a whole descent at a fixed rate.

Names are made here: `x0` inputs, `s0` inputs without axes, `o0` outputs, `d0` lengths and `n0` the same as doubles, `b7` and `v7`
values in memory and in registers, `c7` constants, `k7` operands of products laid out anew, `t` sums over rows, `i0` loop variables.
Sums over rows are made block by block in a fixed order, whatever the number of threads.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from symgd.algebra.dimension import Dimension
from symgd.lowering.native.functions import KERNELS
from symgd.lowering.native.loops import Loops
from symgd.lowering.native.plan import Group, Plan, needed, plan, unsupported
from symgd.lowering.number import double
from symgd.lowering.program import Program

_LOCAL = 2048  # doubles of working memory that are taken from the stack
_BLOCK, _MOST = 8192, 1024  # doubles that the arrays of a block have together; rows of a block at most
_NAME = re.compile(r"\b[a-z]+\d+\b")
_THREADED = 2_000_000  # entries of arrays that a pass reads from which it is divided into parts


def native_source(
    program: Program,
    rows: Dimension | None,
    single: bool = False,
    sizes: Mapping[str, int] | None = None,
    moved: Sequence[int] = (),
    optional: int | None = None,
) -> str:
    """The source. `rows` is the dimension of rows; `sizes`, where given, are built in. `moved` are the inputs that a descent
    moves, in the order of the outputs after the first, which are their gradients. The outputs from `optional` on are left out, and
    what only they need, where no place is given for them."""
    assert not unsupported(program)
    return _Source(program, plan(program, rows, single, optional), single, sizes, moved, optional).text()


class _Source:
    def __init__(
        self,
        program: Program,
        made: Plan,
        single: bool,
        sizes: Mapping[str, int] | None,
        moved: Sequence[int],
        optional: int | None,
    ) -> None:
        self.program, self.plan, self.single, self.moved = program, made, single, tuple(moved)
        self.is_built_in, self.sizes = sizes is not None, sizes or {}
        self.loops = Loops(made, single)
        self.names = program.dimension_names()
        self.types: dict[str, str] = {}
        self.functions: list[str] = []
        self.memory: list[str] = []  # lengths of the arrays in working memory
        for k, leaf in enumerate(program.inputs):
            self.types |= {f"x{k}": "const real *", f"s{k}": "double "} if leaf.shape else {f"s{k}": "double "}
        self.types |= {f"o{k}": "real *" for k in range(len(made.outputs))}
        self.optional = set[int]()
        if optional is not None:
            self.optional = set(made.nests) - needed(made.instructions, made.outputs[:optional])
        self.has_all = f"o{optional}"
        self.outputs_left_out = {f"o{k}" for k in range(optional or 0, len(made.outputs))} if optional is not None else set[str]()
        for k in range(len(self.names)):
            self.types |= {f"d{k}": "long ", f"n{k}": "double "}

    def text(self) -> str:
        body: list[str] = []
        for number, stage in enumerate(self.plan.stages):
            body += self._stage(stage)
            if number < len(self.plan.passes) and self.plan.passes[number]:
                body += self._pass(number, self.plan.passes[number])
        return "\n".join(
            [
                f"typedef {'float' if self.single else 'double'} real;",
                KERNELS.read_text(encoding="utf-8"),
                *self._literals(),
                *self.functions,
                "INLINE int run(const real *const *in, real *const *out, const long *sizes, long threads) {",
                *_indented([*self._opening(), *body, "free(taken);", "return failed;"]),
                "}",
                "",
                _CALL,
                self._descent() if self.moved else "",
            ]
        )

    def _literals(self) -> list[str]:
        lines = []
        for number, instruction in enumerate(self.plan.instructions):
            if instruction.kind == "literal":
                entries = ", ".join(repr(double(entry)) for entry in _flat(instruction.detail))
                lines.append(f"static const double c{number}[] = {{{entries}}};")
        return lines

    def _opening(self) -> list[str]:
        lines = []
        for k, name in enumerate(self.names):
            value = str(self.sizes[name]) if name in self.sizes else f"sizes[{k}]"
            lines.append(f"const long d{k} = {value}; const double n{k} = (double)d{k};")
        for k, leaf in enumerate(self.program.inputs):
            lines.append(f"const real *x{k} = in[{k}];" if leaf.shape else f"const double s{k} = in[{k}][0];")
        lines += [f"real *o{k} = out[{k}];" for k in range(len(self.plan.outputs))]
        need = " + ".join(self.memory) or "0"
        lines += [
            f"const long need = {need};",
            "int failed = 0;",
            f"double local[{_LOCAL}], *taken = NULL, *w = local;",
            f"if (need > {_LOCAL}) {{ taken = malloc(need * sizeof(double)); w = taken; if (!w) return 1; }}",
        ]
        return lines

    # ---- stages and passes -------------------------------------------------------------------------------------------

    def _stage(self, groups: Sequence[Group]) -> list[str]:
        lines: list[str] = []
        for group in groups:
            for nest in group.nests:
                lines += self._kept(nest.value)
            lines += self._where_asked(group, self.loops.group(group, "0", None, self._laid_out))
        return lines

    def _where_asked(self, group: Group, lines: list[str]) -> list[str]:
        """The lines of a group, left out where only outputs need it that may be left out. Numbers stay: later lines name them."""
        if group.nests[0].labels and all(nest.value in self.optional and nest.out for nest in group.nests):
            return [f"if ({self.has_all}) {{", *lines, "}"]
        return [f"if ({self.has_all}) {line}" if line.partition("[")[0] in self.outputs_left_out else line for line in lines]

    def _kept(self, value: int) -> list[str]:
        """Room for a value that is kept whole."""
        instruction = self.plan.instructions[value]
        if self.plan.keeps[value] != "whole" or not instruction.shape:
            self.types[f"v{value}"] = "double "
            return []
        return self._array(f"b{value}", self.plan.elements.size(instruction.shape))

    def _array(self, name: str, length: str) -> list[str]:
        self.memory.append(f"({length})")
        self.types[name] = "double *"
        return [f"double *{name} = w; w += {length};"]

    def _laid_out(self, name: str, lines: Sequence[str], length: str) -> None:
        self.before += [*self._array(name, length), *lines]

    def _pass(self, number: int, groups: Sequence[Group]) -> list[str]:
        nests = [nest for group in groups for nest in group.nests]
        elements, assert_rows = self.plan.elements, self.plan.rows
        assert assert_rows is not None
        self.before: list[str] = []
        totals, after, copied, room, offset = [], [], [], [], "0"
        for nest in nests:
            shape = self.plan.instructions[nest.value].shape
            if nest.sums_rows:
                length = elements.size(shape)
                self.loops.totals[nest.value] = f"t[{offset}]" if not shape else f"(t + {offset})"
                after.append(
                    f"double v{nest.value} = t{number}[{offset}];" if not shape else f"double *b{nest.value} = t{number} + {offset};"
                )
                if self.plan.keeps[nest.value].startswith("output"):
                    lines = self.loops.copied_out(nest.value)
                    copied += [f"if ({self.has_all}) {line}" for line in lines] if nest.value in self.optional else lines
                self.types |= {f"v{nest.value}": "double "} if not shape else {f"b{nest.value}": "double *"}
                totals.append(length)
                offset = f"{offset} + {length}" if offset != "0" else length
            elif self.plan.keeps[nest.value] == "whole":
                self.before += self._kept(nest.value)
            elif self.plan.keeps[nest.value] == "block":
                inner = elements.size([length for axis, length in enumerate(shape) if axis != self.plan.row_axis[nest.value]])
                room.append((f"b{nest.value}", inner))
        body: list[str] = []
        for group in groups:
            body += self._where_asked(group, self.loops.group(group, "lo", "hi", self._laid_out))
        after += [f"mirrored({self.loops.mirrored[nest.value]}, b{nest.value});" for nest in nests if nest.value in self.loops.mirrored]
        inside = {name for name, _ in room}
        rows = elements.length(assert_rows)
        width = " + ".join(dict.fromkeys([*self.loops.width(groups), *(inner for _, inner in room)])) or "1"
        used = sorted(
            (set(_NAME.findall("\n".join(body))) | set(_NAME.findall(" ".join(inner for _, inner in room)))) & self.types.keys() - inside
        )
        used = [name for name in used if not self._is_made_inside(name, nests)]
        self.functions.append(self._pass_function(number, used, room, body))
        least = 64 if any(group.is_product and len(group.nests[0].lengths) == 3 for group in groups) else 16
        length = " + ".join(totals) or "0"
        self.memory.append(f"({rows} * ({width}) > {_THREADED} ? 8 : 1) * ({length})")
        k = number
        return [
            *self.before,
            f"const int divided{k} = {rows} * ({width}) > {_THREADED};",
            f"const long parts{k} = divided{k} ? PARTS : 1, room{k} = {length}, fitting{k} = {_BLOCK} / ({width} + 1);",
            f"const long block{k} = fitting{k} > {_MOST} ? {_MOST} : fitting{k} < {least} ? {least} : fitting{k};",
            f"double *t{k} = w; w += parts{k} * room{k};",
            f"memset(t{k}, 0, parts{k} * room{k} * sizeof(double));",
            f"if (divided{k}) {{",
            f"    const struct job{k} job = {{{rows}, block{k}, room{k}, t{k}{_list(used)}}};",
            f"    failed = in_parts(part{k}, &job, threads, t{k}, room{k});",
            f"}} else failed = pass{k}(0, {rows}, block{k}, t{k}{_list(used)});",
            "if (failed) { free(taken); return 1; }",
            *after,
            *copied,
        ]

    def _is_made_inside(self, name: str, nests: Sequence[Any]) -> bool:
        """Is it a register of this pass?"""
        return name[0] == "v" and any(nest.value == int(name[1:]) and not nest.sums_rows for nest in nests)

    def _pass_function(self, number: int, used: Sequence[str], room: Sequence[tuple[str, str]], body: Sequence[str]) -> str:
        parameters = "".join(f", {self.types[name]}{name}" for name in used)
        fields = "".join(f" {self.types[name]}{name};" for name in used)
        values = "".join(f", job->{name}" for name in used)
        need = " + ".join(inner for _, inner in room) or "0"
        opening = [
            f"const long need = block * ({need});",
            f"double local[{_LOCAL}], *taken = NULL, *w = local;",
            f"if (need > {_LOCAL}) {{ taken = malloc(need * sizeof(double)); w = taken; if (!w) return 1; }}",
            *(f"double *{name} = w; w += block * {inner};" for name, inner in room),
        ]
        lines = [
            f"{'INLINE' if self.is_built_in else 'OWN'} int pass{number}(long from, long to, long block, double *t{parameters}) {{",
            *_indented(opening),
            "    for (long lo = from; lo < to; lo += block) {",
            "        const long hi = lo + block < to ? lo + block : to;",
            *_indented(body, 2),
            "    }",
            "    free(taken);",
            "    return 0;",
            "}",
            f"struct job{number} {{ long rows, block, room; double *t;{fields} }};",
            f"static int part{number}(const void *given, long part) {{",
            f"    const struct job{number} *job = given;",
            "    const long from = job->rows * part / PARTS, to = job->rows * (part + 1) / PARTS;",
            f"    return pass{number}(from, to, job->block, job->t + part * job->room{values});",
            "}",
            "",
        ]
        return "\n".join(lines)

    # ---- a descent ---------------------------------------------------------------------------------------------------

    def _descent(self) -> str:
        """Where sizes are built in, inputs and outputs are copied into arrays of the loop's own, which the compiler keeps in registers."""
        ins, outs = ("held", "made") if self.is_built_in else ("in", "out")
        lines = []
        for place, k in enumerate(self.moved):
            to = f"p{k}" if self.is_built_in else f"moved[{place}]"
            lines.append((self.plan.elements.size(self.program.inputs[k].shape), to, f"{outs}[{place + 1}]"))
        step = [f"for (long i = 0; i < {length}; i++) {to}[i] -= (real)(rate * {slope}[i]);" for length, to, slope in lines]
        kept = [f"for (long i = 0; i < {length}; i++) *path++ = {to}[i];" for length, to, _ in lines]
        largest = [
            f"for (long i = 0; i < {length}; i++) {{ double g = fabs({slope}[i]); size = g > size || g != g ? g : size; }}"
            for length, _, slope in lines
        ]
        sizes = [f"const long d{k} = {self.sizes.get(name, f'sizes[{k}]')}; (void)d{k};" for k, name in enumerate(self.names)]
        local, back = self._copies() if self.is_built_in else ([], [])
        return _DESCEND.format(
            sizes=" ".join(sizes),
            local="\n    ".join(local),
            step=" ".join(step),
            kept=" ".join(kept),
            largest=" ".join(largest),
            back="\n    ".join(back),
            ins=ins,
            outs=outs,
        )

    def _copies(self) -> tuple[list[str], list[str]]:
        """Lines that copy inputs and outputs into arrays, and what has changed of them back."""
        local, back = [], []
        inputs = [(f"p{k}", f"in[{k}]", leaf.shape) for k, leaf in enumerate(self.program.inputs)]
        outputs = [(f"g{k}", f"out[{k}]", self.program.instructions[value].shape) for k, value in enumerate(self.program.outputs)]
        for name, place, shape in [*inputs, *outputs]:
            length = math.prod(one.evaluate(self.sizes) for one in shape)
            local.append(f"real {name}[{max(1, length)}]; for (long i = 0; i < {length}; i++) {name}[i] = {place}[i];")
            if name[0] == "g" or int(name[1:]) in self.moved:
                where = place if name[0] == "g" else f"moved[{self.moved.index(int(name[1:]))}]"
                back.append(f"for (long i = 0; i < {length}; i++) {where}[i] = {name}[i];")
        local.append(f"const real *const held[] = {{{', '.join(name for name, _, _ in inputs)}}};")
        local.append(f"real *const made[] = {{{', '.join(name for name, _, _ in outputs)}}};")
        return local, back


_CALL = """int symgd_call(const real *const *in, real *const *out, const long *sizes, long threads) { return run(in, out, sizes, threads); }
"""
_DESCEND = """
/* Steps p <- p - rate g until one of them ends it. Returns how many were taken; -1 without memory. values[k] is the value after
   step k + 1; the point is written to path after every `stride` steps, `until` steps being left to the next. */
long symgd_descend(const real *const *in, real *const *out, const long *sizes, long threads, real *const *moved, double rate,
                   double tolerance, double limit, long steps, long stride, long until, double *values, real *path) {{
    {sizes}
    {local}
    long k = 0, failed = 0;
    while (k < steps) {{
        {step}
        if (run({ins}, {outs}, sizes, threads)) {{ failed = 1; break; }}
        const double value = {outs}[0][0];
        values[k++] = value;
        if (--until == 0) {{ until = stride; {kept} }}
        if (!(fabs(value) <= limit)) break;
        if (tolerance >= 0.0) {{
            double size = 0.0;
            {largest}
            if (!(size > tolerance * (1.0 + fabs(value))) || !(size < INFINITY)) break;
        }}
    }}
    {back}
    return failed ? -1 : k;
}}
"""


def _list(names: Sequence[str]) -> str:
    return "".join(f", {name}" for name in names)


def _indented(lines: Sequence[str], depth: int = 1) -> list[str]:
    return [f"{'    ' * depth}{line}" for line in lines]


def _flat(detail: Any) -> list[Fraction]:
    return [entry for part in detail for entry in _flat(part)] if isinstance(detail, tuple) else [detail]
