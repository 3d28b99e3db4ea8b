"""A file, or one formula, to the notes, and the notes to a file: `write_notes`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Union

from symgd.errors import FormulaError, LimitError, SymgdError, ValueGivenError
from symgd.notes import prose
from symgd.notes.blocks import Block, Heading, Inline, Notes, Paragraph, Picture
from symgd.notes.contents import Contents, claimed, contents_of
from symgd.notes.html import html
from symgd.notes.markdown import markdown
from symgd.notes.pdf import pdf
from symgd.notes.problem import LARGEST, problem_of, toml_of
from symgd.notes.tex import tex
from symgd.verify.document.check import check_document

SOURCES = (".md", ".toml")
OUTPUTS = (".tex", ".pdf", ".html", ".md")
Said = tuple[int, str]  # a line of the document, and what is said of it
MOST = 200  # problems in a document


def write_notes(source: Any, output: Union[str, Path, None] = None, /, **problem: Any) -> Notes:
    """Make lecture notes and write them to `output`, whose ending says how: .tex, .pdf, .html or .md; without it nothing is written.

    `source` is the path of a .md or .toml file, or a formula: then the keywords are the keys of a problem (`given`, `variables`, `point`,
    `direction`, `claims`, `start`, `data`, `rate`, `steps`, `figures`, …). The figures of .tex and .md go to a folder beside the output.
    The `complaints` of what is returned are claims that are wrong, which stand in the notes as wrong, and wrong equations in the prose,
    which stand there as their author wrote them; `remarks` say what could not be decided or was not checked. Raises SymgdError of a
    kind for what cannot be read, derived, computed or written.

    >>> notes = write_notes("x^2*sin(x)")
    >>> print(notes.tex().splitlines()[0])
    \\documentclass[11pt,a4paper]{article}
    """
    if output is not None and Path(output).suffix.lower() not in OUTPUTS:
        raise ValueGivenError(f"notes cannot be written to {str(output)!r}.", hint=f"Its ending is one of {', '.join(OUTPUTS)}.")
    if isinstance(source, Path) or (isinstance(source, str) and source.lower().endswith(SOURCES)):
        if problem:
            raise ValueGivenError(f"{next(iter(problem))} is said in the file, not beside it.", hint="Write it in the problem.")
        made = _of_file(Path(source))
        if output is not None and Path(output).resolve() == Path(source).resolve():
            raise ValueGivenError("the notes would overwrite the file they come from.", hint="Give the output another name.")
    else:
        made = notes_of({"formula": source, **problem})
    if output is not None:
        save(made, Path(output))
    return made


def notes_of(table: dict[str, Any]) -> Notes:
    """The notes of one problem."""
    asked = table["formula"]
    checked = problem_of({**table, "formula": asked if isinstance(asked, str) else ""}, "the notes", None)
    made = contents_of(replace(checked, formula=asked), level=1)
    return _finished((), made.blocks, [made])


def _of_file(path: Path) -> Notes:
    if path.suffix.lower() not in SOURCES:
        raise ValueGivenError(f"notes cannot be made of {str(path)!r}.", hint="Give a .md or a .toml file.")
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ValueGivenError(f"cannot read {str(path)!r}: {(error.strerror or str(error)).lower()}.") from None
    except ValueError:
        raise ValueGivenError(f"cannot read {str(path)!r}: that is no name of a file.") from None
    if len(data) > LARGEST:
        raise LimitError(f"{str(path)!r} is longer than {LARGEST} bytes.", hint="Give a shorter document.")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise FormulaError(f"{str(path)!r} is no UTF-8 text.", hint="Save it as UTF-8.") from None
    return _of_toml(text, path) if path.suffix.lower() == ".toml" else _of_markdown(text, path)


def _of_toml(text: str, path: Path) -> Notes:
    """A document with a title, a text in Markdown and problems: title = "…", text = '''…''', [[problem]]."""
    table = toml_of(text, path.name)
    unknown = next((key for key in table if key not in ("title", "text", "problem")), None)
    problems = table.get("problem", [table] if "formula" in table else [])
    if unknown is not None and "formula" not in table:
        raise ValueGivenError(f"{path.name}: unknown key {unknown[:40]!r}.", hint="The keys are title, text and [[problem]].")
    if not isinstance(problems, list) or not all(isinstance(item, dict) for item in problems) or not problems:
        raise ValueGivenError(f"{path.name} has no problem.", hint='Write [[problem]], and below it formula = "x^2".')
    title, intro = table.get("title", ""), table.get("text", "")
    if not isinstance(title, str) or not isinstance(intro, str):
        raise ValueGivenError(f"{path.name}: title and text are texts.")
    blocks: list[Block] = [part for part in prose.parts(intro) if not isinstance(part, prose.Fence)]
    made = []
    for k, item in enumerate(problems[:MOST], 1):
        where = f"{path.name}, problem {k}"
        made.append(_placed(where, lambda item=item, where=where: contents_of(problem_of(item, where, path.parent))))  # type: ignore[misc]
        blocks += made[-1].blocks
    _refuse_many(path, len(problems))
    wrong, unsure = in_prose(intro, _declared(problems))
    notes = _finished(prose.inline(title) if "formula" not in table else (), blocks, made)
    complaints = (*notes.complaints, *_by_line(wrong, " of text"))
    return replace(notes, complaints=complaints, remarks=(*notes.remarks, *_by_line(unsure, " of text")))


def _refuse_many(path: Path, count: int) -> None:
    if count > MOST:
        raise LimitError(f"{path.name} has {count} problems; notes take {MOST}.", hint="Split the document.")


def _of_markdown(text: str, path: Path) -> Notes:
    title: Inline = ()
    blocks, made = list[Block](), list[Contents]()
    tables = list[Any]()
    complaints, remarks = list[Said](), list[Said]()
    parts = list(_placed(path.name, lambda: list(prose.parts(text))))
    _refuse_many(path, sum(isinstance(part, prose.Fence) for part in parts))
    for part in parts:
        if not isinstance(part, prose.Fence):
            if isinstance(part, Heading) and part.level == 1 and not title:
                title = part.content
            else:
                blocks.append(part)
            continue
        where = f"{path.name}, line {part.line}"
        if part.name == "symgd-problem":
            tables.append(_placed(where, lambda: toml_of(part.text, where)))  # noqa: B023
            found = _placed(where, lambda: contents_of(problem_of(tables[-1], where, path.parent)))  # noqa: B023
            made.append(found)
            blocks += found.blocks
        elif part.name == "symgd-claim":
            content, grade, said = _placed(where, lambda: _claim(part.text, where))  # noqa: B023
            blocks.append(Paragraph(content))
            (complaints if grade == "refuted" else remarks if grade != "proved" else []).append((part.line, said))
        else:
            raise ValueGivenError(f"{where}: unknown block {part.name[:40]!r}.", hint="There are symgd-problem and symgd-claim.")
    wrong, unsure = in_prose(text, _declared(tables))
    complaints, remarks = wrong + complaints, unsure + remarks
    notes = _finished(title, blocks, made)
    return replace(notes, complaints=(*notes.complaints, *_by_line(complaints)), remarks=(*notes.remarks, *_by_line(remarks)))


def _declared(problems: list[Any]) -> str:
    """What the problems declare, for the text between them; nothing where they declare a name in two ways."""
    texts = [table["given"].strip().rstrip(",") for table in problems if isinstance(table.get("given"), str) and table["given"].strip()]
    given = ", ".join(dict.fromkeys(texts))
    try:
        check_document(text="", given=given, syntax="markdown")
    except SymgdError:
        return ""
    return given


def in_prose(text: str, given: str = "") -> tuple[list[Said], list[Said]]:
    """The equations between the problems as `check_document` finds them: those that are wrong, and those it could not tell about."""
    found = check_document(text=text, given=given, syntax="markdown")
    wrong, unsure = list[Said](), list[Said]()
    for claim in found.claims:
        said = f"{' '.join(claim.text.split())}: {claim.verdict.why}"
        if claim.verdict.grade == "refuted":
            wrong.append((claim.line, f"wrong: {said}"))
        elif claim.verdict.grade == "undecided":
            unsure.append((claim.line, f"not checked: {said}"))
    told = {(claim.line, claim.column) for claim in found.claims}
    for one in found.unchecked:
        if "=" in one.text and (one.line, one.column) not in told:
            unsure.append((one.line, f"not checked: {' '.join(one.text.split())}: {one.why}"))
    return wrong, unsure


def _by_line(said: list[Said], of: str = "") -> list[str]:
    return [f"line {line}{of}: {what}" for line, what in sorted(said, key=lambda one: one[0])]


def _claim(text: str, where: str) -> Any:
    """A claim in the prose: a table with claim, given, latex."""
    table = toml_of(text, where)
    unknown = next((key for key in table if key not in ("claim", "given", "latex")), None)
    if unknown is not None:
        raise ValueGivenError(f"{where}: unknown key {unknown[:40]!r}.", hint="The keys are claim, given and latex.")
    claim, given, latex = table.get("claim"), table.get("given", ""), table.get("latex", False)
    if not isinstance(claim, str) or not isinstance(given, str) or not isinstance(latex, bool):
        raise ValueGivenError(f"{where}: a claim is a text.", hint='Write claim = "diff(x^2, x) = 2*x".')
    return claimed(claim, given, latex)


def _placed(where: str, make: Callable[[], Any]) -> Any:
    """What is made, or the error in it with the place in the document."""
    try:
        return make()
    except SymgdError as error:
        if not error.reason.startswith(where):
            error.reason = f"{where}: {error.reason}"
        raise


def _finished(title: Any, blocks: Any, made: list[Contents]) -> Notes:
    complaints = tuple(text for contents in made for text in contents.complaints)
    remarks = [text for contents in made for text in contents.remarks]
    return Notes(title, tuple(blocks), complaints, tuple(dict.fromkeys(remarks)))


# ---- out -------------------------------------------------------------------------------------------------------------


def save(notes: Notes, output: Path) -> None:
    """Write the notes; the ending of the file says how. Figures of .tex and .md stand in a folder beside it."""
    kind = output.suffix.lower()
    files: dict[str, bytes] = {}

    def place(picture: Picture, number: int) -> str:
        folder = "figures" if kind == ".pdf" else f"{_plain(output.stem)}-figures"
        name = f"{folder}/figure-{number}.{'png' if kind == '.md' else 'pdf'}"
        files[name] = drawn(picture, name.rpartition(".")[2])
        return name

    if kind == ".pdf":
        text = tex(notes, place)
        write_file(output, pdf(text, files))
        return
    made = {".tex": lambda: tex(notes, place), ".md": lambda: markdown(notes, place), ".html": lambda: html(notes, _svg)}[kind]()
    for name, data in files.items():
        write_file(output.parent / name, data)
    write_file(output, made.encode())


def text_of(notes: Notes, kind: str) -> str:
    """The notes as text for standard output, where figures have no place."""
    if any(isinstance(block, Picture) for block in notes.blocks) and kind != ".html":
        raise ValueGivenError("figures need a file beside them.", hint="Give an output: --output notes.tex")
    refused = _nowhere
    return {".tex": lambda: tex(notes, refused), ".md": lambda: markdown(notes, refused), ".html": lambda: html(notes, _svg)}[kind]()


def _nowhere(picture: Picture, number: int) -> str:
    raise AssertionError("no figure is written here")


def drawn(picture: Picture, kind: str) -> bytes:
    """The figure as a file of this kind, the same bytes each time."""
    from symgd.notes.figures.canvas import saved

    return saved(picture.draw(), kind)


def _svg(picture: Picture) -> bytes:
    return drawn(picture, "svg")


def _plain(stem: str) -> str:
    """A name that TeX takes in \\includegraphics: letters, digits and dashes."""
    return "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" for c in stem) or "notes"


def write_file(path: Path, data: bytes) -> None:
    """Write a file at once or not at all."""
    try:
        path.parent.mkdir(exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".symgd-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(name, 0o666 & ~mask)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise ValueGivenError(f"cannot write {str(path)!r}: {(error.strerror or str(error)).lower()}.") from None
