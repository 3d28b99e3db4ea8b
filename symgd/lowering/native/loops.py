"""The loops of a group of nests, and the calls of kernels for products, as lines of C."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symgd.algebra.dimension import Shape
from symgd.lowering.native.elements import as_doubles
from symgd.lowering.native.functions import written
from symgd.lowering.native.plan import Group, Labels, Nest, Plan
from symgd.lowering.number import double
from symgd.lowering.program import Instruction
from symgd.lowering.torch_templates import WRITERS
from symgd.lowering.torch_text import ATOM, Text

LaidOut = Callable[[str, Sequence[str], str], None]  # name, lines that fill it, its length


@dataclass(frozen=True, slots=True)
class Strided:
    """An operand of a product in memory: where it begins, and the distance of neighbours along each label."""

    start: str
    strides: dict[int, str]


class Loops:
    """Lines of C for groups. `totals` is where the sum over rows of a value is collected; of those in `mirrored`, which are symmetric
    matrices of that many rows, one half."""

    def __init__(self, plan: Plan, single: bool) -> None:
        self.plan, self.single, self.elements = plan, single, plan.elements
        self.totals: dict[int, str] = {}
        self.mirrored: dict[int, str] = {}

    # ---- places in memory --------------------------------------------------------------------------------------------

    def order(self, value: int) -> list[int]:
        """The axes of a value as they lie in memory, the slowest first: rows first, except in outputs."""
        axes = list(range(len(self.plan.instructions[value].shape)))
        row = self.plan.row_axis.get(value)
        if row is not None and not self.plan.keeps[value].startswith("output"):
            axes.remove(row)
            axes.insert(0, row)
        return axes

    def array(self, value: int) -> str:
        instruction, keeps = self.plan.instructions[value], self.plan.keeps.get(value, "")
        if instruction.kind == "input":
            return f"x{instruction.detail}"
        if instruction.kind == "literal":
            return f"c{value}"
        return f"o{keeps.split()[1]}" if keeps.startswith("output") and value not in self.totals else f"b{value}"

    def _place(self, value: int, index: Sequence[str]) -> str:
        """The entry as `array[place]`."""
        shape, place = self.plan.instructions[value].shape, ""
        for axis in self.order(value):
            k = index[axis]
            if self.plan.keeps.get(value) == "block" and axis == self.plan.row_axis[value]:
                k = f"({k} - lo)"
            place = f"({place}) * {self.elements.length(shape[axis])} + {k}" if place else k
        return f"{self.array(value)}[{place}]"

    def _load(self, group: Group, base: int, index: tuple[str, ...]) -> str:
        instruction = self.plan.instructions[base]
        nest = self.plan.nests.get(base)
        if instruction.kind == "input":
            return self._place(base, index) if index else f"s{instruction.detail}"
        if nest is None:
            return self._place(base, index)
        if not index or (nest in group.nests and nest.is_map and nest.index(nest.out) == list(index)):
            return f"v{base}"
        return self._place(base, index)

    def width(self, groups: Sequence[Group]) -> list[str]:
        """How many entries of inputs and of whole arrays a row has, one text for each array."""
        found: dict[int, str] = {}
        for group in groups:
            for nest in group.nests:
                if nest.row is None:
                    continue
                for value, labels in nest.operands:
                    operand = self.strided(nest, value, labels, count_all=True)
                    if operand is None or nest.row not in operand[1]:
                        continue
                    base, carried = operand
                    rest = [nest.lengths[label] for label in carried if label != nest.row]
                    if self.plan.keeps.get(base) != "block":
                        found[base] = self.elements.size(rest)
        return list(found.values())

    # ---- operands of products ----------------------------------------------------------------------------------------

    def strided(self, nest: Nest, value: int, labels: Labels, count_all: bool = False) -> tuple[int, list[int]] | None:
        """The array that an operand is a plain view of, and the label along each of its axes; None where it is no such view."""
        found: list[tuple[int, tuple[str, ...]]] = []

        def load(base: int, index: tuple[str, ...]) -> str:
            found.append((base, index))
            return "@"

        text = self.elements.element(value, ["0" if k is None else f"L{k}" for k in labels], load)
        if len(found) != 1 or (text != "@" and not count_all):
            return None
        base, index = found[0]
        if count_all:
            return base, [int(k[1:]) for k in index if k[0] == "L" and k[1:].isdigit()]
        if any(not (k[0] == "L" and k[1:].isdigit()) for k in index):
            return None
        return base, [int(k[1:]) for k in index]

    def _operand(self, nest: Nest, value: int, labels: Labels) -> Strided | None:
        plain = self.strided(nest, value, labels)
        if plain is None:
            return None
        base, carried = plain
        kind = self.plan.instructions[base].kind
        if self.single and (kind == "input" or self.plan.keeps.get(base, "").startswith("output")):
            return None
        return self._in_memory(base, carried, nest.row)

    def _in_memory(self, base: int, carried: Sequence[int | None], row: int | None) -> Strided:
        shape, strides, stride = self.plan.instructions[base].shape, dict[int, str](), ""
        for axis in reversed(self.order(base)):
            label = carried[axis]
            if label is not None:
                strides[label] = f"{strides[label]} + {stride or '1'}" if label in strides else stride or "1"
            length = self.elements.length(shape[axis])
            stride = f"{stride} * {length}" if stride else length
        start = self.array(base)
        if row in strides and self.plan.keeps.get(base) != "block":
            start = f"{start} + lo * ({strides[row]})"
        return Strided(start, strides)

    def _product(self, nest: Nest, lo: str, hi: str | None, laid_out: LaidOut) -> list[str] | None:
        """The product by a kernel; None where an operand does not lie in memory as a kernel takes it."""
        operands = [self._operand(nest, value, labels) for value, labels in nest.operands]
        left, right = operands
        if left is None or right is None:
            return None
        if nest.sums_rows:
            shape = self.plan.instructions[nest.value].shape
            target = self._contiguous(self.totals[nest.value], nest.out, shape)
        else:
            target = self._in_memory(nest.value, nest.out, nest.row)
        length = {label: self.elements.length(dimension) for label, dimension in nest.lengths.items()}
        if nest.row is not None:
            length[nest.row] = "(hi - lo)"
        (summed,) = nest.summed
        if len(nest.lengths) == 2:
            return self._with_vector(left, right, target, summed, length, nest.sums_rows)
        return self._of_matrices(nest, left, right, target, summed, length, laid_out)

    def _contiguous(self, start: str, out: Labels, shape: Shape) -> Strided:
        strides, stride = dict[int, str](), ""
        for label, length in zip(reversed(out), reversed(shape)):
            assert label is not None
            strides[label] = stride or "1"
            text = self.elements.length(length)
            stride = f"{stride} * {text}" if stride else text
        return Strided(start, strides)

    def _with_vector(
        self, left: Strided, right: Strided, target: Strided, summed: int, length: dict[int, str], add: bool
    ) -> list[str] | None:
        matrix, vector = (left, right) if len(left.strides) == 2 else (right, left)
        kept = next(label for label in matrix.strides if label != summed)
        if vector.strides[summed] != "1" or target.strides[kept] != "1":
            return None
        sizes = f"{length[kept]}, {length[summed]}, {matrix.start}"
        if matrix.strides[summed] == "1" and not add:
            return [f"rows_times({sizes}, {matrix.strides[kept]}, {vector.start}, {target.start});"]
        if matrix.strides[kept] != "1":
            return None
        clear = [] if add else [f"memset({target.start}, 0, {length[kept]} * sizeof(double));"]
        return [*clear, f"times_rows({sizes}, {matrix.strides[summed]}, {vector.start}, 1, {target.start});"]

    def _of_matrices(
        self, nest: Nest, left: Strided, right: Strided, target: Strided, summed: int, length: dict[int, str], laid_out: LaidOut
    ) -> list[str] | None:
        column = next((label for label, stride in target.strides.items() if stride == "1"), None)
        if column is None:
            return None
        a, b = (left, right) if column in right.strides else (right, left)
        row = next(label for label in a.strides if label != summed)
        lines = []
        is_gram = a.start == b.start and a.strides[row] == b.strides[column] == "1" and a.strides[summed] == b.strides[summed]
        if is_gram and nest.sums_rows:
            self.mirrored[nest.value] = length[column]
            return [f"gram({length[column]}, {length[summed]}, {a.start}, {a.strides[summed]}, {target.start});"]
        if b.strides[column] != "1":
            if nest.row is None or nest.row in b.strides:
                return None
            name = f"k{nest.value}"
            fill = (
                f"for (long k = 0; k < {length[summed]}; k++) for (long j = 0; j < {length[column]}; j++) "
                f"{name}[k * {length[column]} + j] = {b.start}[k * ({b.strides[summed]}) + j * ({b.strides[column]})];"
            )
            laid_out(name, [fill], f"{length[summed]} * {length[column]}")
            b = Strided(name, {summed: length[column], column: "1"})
        lines.append(
            f"product({length[row]}, {length[column]}, {length[summed]}, {a.start}, {a.strides[row]}, {a.strides[summed]}, "
            f"{b.start}, {b.strides[summed]}, {target.start}, {target.strides[row]}, {int(nest.sums_rows)});"
        )
        return lines

    # ---- loops -------------------------------------------------------------------------------------------------------

    def group(self, group: Group, lo: str, hi: str | None, laid_out: LaidOut) -> list[str]:
        """The lines of a group: over the rows from lo to hi where it is in a pass."""
        if group.is_product:
            lines = self._product(group.nests[0], lo, hi, laid_out)
            if lines is not None:
                return lines
        first = group.nests[0]
        if first.along is not None:
            return self._along(first)
        depth = len(first.labels)
        before: list[list[str]] = [[] for _ in range(depth + 1)]
        after: list[list[str]] = [[] for _ in range(depth + 1)]
        body: list[str] = []
        sums: list[str] = []
        clear: list[str] = []
        is_parallel = True
        for nest in group.nests:
            if nest.is_map:
                body += self._map(group, nest)
                continue
            term = " * ".join(self._read(group, nest, value, labels) for value, labels in nest.operands)
            level = self._prefix(nest)
            if level is None:
                clear += self._cleared(nest)
                body.append(f"{self._target(nest)} += {term};")
                is_parallel = is_parallel and nest.labels[-1] in nest.out
                continue
            name = f"a{nest.value}"
            before[level].append(f"double {name} = 0.0;")
            body.append(f"{name} += {term};")
            after[level] += self._stored(nest, name)
            if level < depth:
                sums.append(name)
        if not depth:
            return [*before[0], *body, *after[0]]
        lines = [*clear, *before[0]]
        for level, label in enumerate(first.labels):
            is_row = first.row is not None and level == 0
            start, stop = ("lo", "hi") if is_row else ("0", self.elements.length(first.lengths[label]))
            if level == depth - 1 and is_parallel:
                lines.append("#pragma omp simd" + (f" reduction(+ : {', '.join(sums)})" if sums else ""))
            lines.append(f"for (long i{level} = {start}; i{level} < {stop}; i{level}++) {{")
            lines += before[level + 1]
        lines += body
        for level in reversed(range(depth)):
            lines += [*after[level + 1], "}"]
        return [*lines, *after[0]]

    def _along(self, nest: Nest) -> list[str]:
        """A kernel for every index but that along the axis. Indices of rows count from the first of the block."""
        ((value, labels),) = nest.operands
        row = self.plan.instructions[nest.value].detail[0]
        assert nest.along is not None
        read = self._in_memory(value, labels, nest.row)
        length, outer = self.elements.length(nest.lengths[nest.along]), [label for label in nest.labels if label != nest.along]
        taken = f"{length}, {self._moved(read, nest, outer)}, {read.strides[nest.along]}"
        if not nest.out:
            return [f"const double v{nest.value} = along_{row.name}({taken});"]
        made = self._in_memory(nest.value, nest.out, nest.row)
        target = self._moved(made, nest, outer)
        if nest.along in nest.out:
            call = f"along_{row.name}({taken}, {target}, {made.strides[nest.along]});"
        else:
            call = f"*({target}) = along_{row.name}({taken});"
        loops = []
        for label in outer:
            stop = "hi - lo" if label == nest.row else self.elements.length(nest.lengths[label])
            name = nest.variable(label)
            loops.append(f"for (long {name} = 0; {name} < {stop}; {name}++)")
        return [*loops, f"    {call}"]

    def _moved(self, place: Strided, nest: Nest, labels: Sequence[int]) -> str:
        return " + ".join([place.start, *(f"{nest.variable(label)} * ({place.strides[label]})" for label in labels)])

    def _prefix(self, nest: Nest) -> int | None:
        """How many of the outermost loops are the indices of the result, where these are the outermost."""
        kept = [label for label in nest.out if label is not None]
        level = len(kept)
        return level if set(nest.labels[:level]) == set(kept) and not (nest.sums_rows and kept) else None

    def _cleared(self, nest: Nest) -> list[str]:
        if nest.sums_rows:
            return []  # totals are cleared before the pass
        rest = [self.elements.length(length) for label, length in nest.lengths.items() if label in nest.out and label != nest.row]
        inner = " * ".join(rest) or "1"
        if nest.row is None:
            return [f"memset({self.array(nest.value)}, 0, ({inner}) * sizeof(double));"]
        start = self._in_memory(nest.value, nest.out, nest.row).start
        return [f"memset({start}, 0, (hi - lo) * ({inner}) * sizeof(double));"]

    def _target(self, nest: Nest) -> str:
        index = nest.index(nest.out)
        if not nest.sums_rows:
            return self._place(nest.value, index)
        if not nest.out:
            return self.totals[nest.value]
        place = ""
        for k, length in zip(index, self.plan.instructions[nest.value].shape):
            place = f"({place}) * {self.elements.length(length)} + {k}" if place else k
        return f"{self.totals[nest.value]}[{place}]"

    def _stored(self, nest: Nest, name: str) -> list[str]:
        if nest.sums_rows:
            return [f"{self._target(nest)} += {name};"]
        if not nest.out:
            return [f"const double v{nest.value} = {name};"]
        return [f"{self._place(nest.value, nest.index(nest.out))} = {name};"]

    def copied_out(self, value: int) -> list[str]:
        """A sum over rows that is an output, from where it was collected."""
        place = self.plan.keeps[value].split()[1]
        shape = self.plan.instructions[value].shape
        return [f"for (long i = 0; i < {self.elements.size(shape)}; i++) o{place}[i] = b{value}[i];"]

    # ---- one entry ---------------------------------------------------------------------------------------------------

    def _read(self, group: Group, nest: Nest, value: int, labels: Labels) -> str:
        return self.elements.element(value, nest.index(labels), lambda base, index: self._load(group, base, index))

    def _map(self, group: Group, nest: Nest) -> list[str]:
        instruction = self.plan.instructions[nest.value]
        arguments = [self._read(group, nest, value, labels) for value, labels in nest.operands]
        lines = [f"const double v{nest.value} = {self._formula(instruction, arguments)};"]
        keeps = self.plan.keeps[nest.value]
        if keeps.startswith("output") or (keeps != "register" and nest.out):
            place = self._place(nest.value, nest.index(nest.out)) if nest.out else f"o{keeps.split()[1]}[0]"
            lines.append(f"{place} = {'(real)' if keeps.startswith('output') and self.single else ''}v{nest.value};")
        return lines

    def _formula(self, instruction: Instruction, arguments: list[str]) -> str:
        kind, detail = instruction.kind, instruction.detail
        if kind == "add":
            coefficient = double(detail)
            factor = "" if abs(coefficient) == 1 else f"{abs(coefficient)!r} * "
            return f"{arguments[0]} {'-' if coefficient < 0 else '+'} {factor}{arguments[1]}"
        if kind == "multiply":
            return f"{arguments[0]} * {arguments[1]}"
        if kind == "divide":
            return f"{arguments[0]} / {arguments[1]}"
        if kind == "scale":
            text = WRITERS["scale"](self.elements.numbers, instruction, [Text("@", ATOM)]).text
            return as_doubles(text).replace("@", arguments[0])
        if kind == "power":
            return self._power(detail, arguments[0])
        if kind == "map":
            row, form = detail
            return written(row, form, arguments)
        assert kind == "clone"
        return arguments[0]

    def _power(self, exponent: Fraction, base: str) -> str:
        rounded = double(exponent)
        lost = exponent - Fraction(rounded)
        return f"s_power({base}, {rounded!r}, {double(lost)!r})" if lost else f"pow({base}, {rounded!r})"
