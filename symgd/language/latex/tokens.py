r"""LaTeX to tokens, in one pass, in time linear in the text. Every token knows its place in the text as the user wrote it.

A letter is a token of its own; `\mathrm{loss}`, `\operatorname{tr}`, `\text{if }` are one token, a WORD. A number is a run of digits with
its decimals; where TeX takes one digit only (`\frac12`, `x^2y`), the parser splits it. Synonyms are one token: `\dfrac` and `\frac`,
`\le` and `\leq`, `\lvert` and `|`. Sizes of brackets (`\left`, `\bigl`) go with the bracket. Spacing and comments are gone.

What acts on TeX itself, on files or on the shell is refused here by name, inside `\text` and `\label` too. A character or command that
has no place in a formula ends the tokens with a fault, which the parser raises when it gets there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from symgd.errors import FormulaError, SymgdError
from symgd.language.limits import Limits
from symgd.language.names import name_of, refused_character

LETTER, NUMBER, COMMAND, WORD, SYMBOL, END, FAULT = "letter", "number", "command", "word", "symbol", "end", "fault"


@dataclass(frozen=True, slots=True)
class Token:
    r"""`value`: a letter, the digits, the command with its backslash, the word, the symbol in its one spelling.

    `side` of a bracket: `l` or `r` where the text says that it opens or closes; `sized` where \left or \right stands before it. `font`
    and `accent` are those that apply to a name. `head` of a WORD is the command it stands in. `glued`: no space before it.
    """

    kind: str
    value: str
    start: int
    end: int
    side: str = ""
    sized: bool = False
    font: str = ""
    accent: str = ""
    head: str = ""
    glued: bool = False
    error: SymgdError | None = None


FONTS = {
    **dict.fromkeys((r"\mathbf", r"\boldsymbol", r"\bm", r"\pmb", r"\bf", r"\textbf", r"\vec", r"\symbf"), "bf"),
    **dict.fromkeys((r"\mathcal", r"\mathscr", r"\cal"), "cal"),
    **dict.fromkeys((r"\mathbb", r"\mathds"), "bb"),
    **dict.fromkeys((r"\mathfrak",), "frak"),
    **dict.fromkeys((r"\mathit", r"\mathnormal", r"\it"), ""),
    **dict.fromkeys((r"\mathsf", r"\mathtt", r"\sf", r"\rm"), "rm"),
}
OLD_FONTS = frozenset((r"\bf", r"\cal", r"\it", r"\sf", r"\rm"))  # they hold to the end of the group
ACCENTS = {
    **dict.fromkeys((r"\hat", r"\widehat"), "hat"),
    **dict.fromkeys((r"\bar", r"\overline"), "bar"),
    **dict.fromkeys((r"\tilde", r"\widetilde"), "tilde"),
    r"\dot": "dot",
    r"\ddot": "ddot",
    r"\underline": "under",
    r"\check": "check",
    r"\breve": "breve",
    r"\acute": "acute",
    r"\grave": "grave",
}
WORDS = frozenset(
    (r"\mathrm", r"\operatorname", r"\text", r"\textrm", r"\textup", r"\textnormal", r"\mbox", r"\textit", r"\textsf", r"\mathop")
)

_SAME = {
    **dict.fromkeys((r"\dfrac", r"\tfrac", r"\cfrac", r"\nicefrac", r"\sfrac"), r"\frac"),
    **dict.fromkeys((r"\dbinom", r"\tbinom"), r"\binom"),
    r"\ln": r"\log",
    **dict.fromkeys((r"\le", r"\leqslant", "≤"), r"\leq"),
    **dict.fromkeys((r"\ge", r"\geqslant", "≥"), r"\geq"),
    **dict.fromkeys((r"\ne", "≠"), r"\neq"),
    r"\lt": "<",
    r"\gt": ">",
    **dict.fromkeys((r"\rightarrow", r"\longrightarrow", "→"), r"\to"),
    **dict.fromkeys((r"\gets", r"\longleftarrow", "←"), r"\leftarrow"),
    **dict.fromkeys((r"\coloneqq", r"\coloneq", r"\vcentcolon", r"\defeq"), r"\triangleq"),
    r"\lbrace": r"\{",
    r"\rbrace": r"\}",
    r"\lbrack": "[",
    r"\rbrack": "]",
    **dict.fromkeys((r"\vert", r"\mid"), "|"),
    **dict.fromkeys((r"\Vert", r"\parallel", "‖"), r"\|"),
    **dict.fromkeys((r"\ast", "∗"), "*"),
    **dict.fromkeys((r"\cdotp", r"\bullet", "·", "⋅"), r"\cdot"),
    "×": r"\times",
    "−": "-",
    "⊙": r"\odot",
    "⊤": r"\top",
    r"\intercal": r"\top",
    "∇": r"\nabla",
    "∂": r"\partial",
    "∑": r"\sum",
    "∏": r"\prod",
    "√": r"\sqrt",
    "∞": r"\infty",
    r"\colon": ":",
    r"\cdots": r"\dots",
    r"\ldots": r"\dots",
    r"\dotsc": r"\dots",
    r"\dotsb": r"\dots",
    "…": r"\dots",
    r"\prime": "'",
    "’": "'",
    "′": "'",
    r"\hslash": r"\hbar",
    r"\arcsinh": r"\arsinh",
    r"\implies": r"\Rightarrow",
    r"\iff": r"\Leftrightarrow",
    r"\Longrightarrow": r"\Rightarrow",
    r"\Longleftrightarrow": r"\Leftrightarrow",
    r"\mathrel": "",
    r"\mathbin": "",
    r"\mathord": "",
    r"\ensuremath": "",
    r"\boxed": "",
    r"\qquad": r"\quad",
}
_OPENS = {r"\lvert": "|", r"\lVert": r"\|", r"\langle": r"\langle", r"\lfloor": r"\lfloor", r"\lceil": r"\lceil"}
_CLOSES = {r"\rvert": "|", r"\rVert": r"\|", r"\rangle": r"\rangle", r"\rfloor": r"\rfloor", r"\rceil": r"\rceil"}
_SPACING = (
    r"\, \; \: \! \> \/ \- \displaystyle \textstyle \scriptstyle \scriptscriptstyle "
    r"\limits \nolimits \nonumber \notag \allowbreak \nobreak \thinspace \medspace \thickspace \enspace \enskip "
    r"\negthinspace \negmedspace \negthickspace \hfill \relax \strut \mathstrut \noindent \hline \null \protect "
    r"\nolinebreak \hfil \centering \smallskip \medskip \bigskip"
)
_SPACE = frozenset((r"\ ", *_SPACING.split()))
_WITH_ARGUMENT = frozenset((r"\hspace", r"\vspace", r"\phantom", r"\hphantom", r"\vphantom", r"\label", r"\tag", r"\color"))
_BIG = re.compile(r"\\(?:big|Big|bigg|Bigg)([lrm]?)\Z")
_LETTERS = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa varkappa lambda mu nu "
    "xi omicron pi varpi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma "
    "Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar imath jmath digamma"
)
GREEK = frozenset(_LETTERS.split())
_REFUSED = re.compile(
    r"""\\(?:input|include|includeonly|write|immediate|openin|openout|closein|closeout|read|readline|def|edef|gdef|xdef|let|futurelet
    |catcode|lccode|uccode|mathcode|delcode|csname|endcsname|expandafter|noexpand|loop|repeat|if[a-z]*|else|fi|or|newif|documentclass
    |usepackage|RequirePackage|require|verb|verbatiminput|includegraphics|ShellEscape|directlua|luaexec|luadirect|latelua|special|url|href|unicode|style
    |cssId|class|char|string|meaning|jobname|batchmode|scrollmode|nonstopmode|errorstopmode|endinput|end@|mathchoice|everymath|everydisplay
    |everypar|python[a-z]*|py|sage[a-z]*|pdf[a-z]*|lstinputlisting|inputminted|import|subimport|bibliography|output|shipout|dump|typeout|message
    |errmessage|show[a-z]*|the|number|romannumeral|advance|multiply|divide|count[a-z]*|dimen[a-z]*|skip[a-z]*|toks[a-z]*|box[a-z]*|hbox|vbox|global|long|outer
    |aftergroup|afterassignment|uppercase|lowercase|scantokens|detokenize|unexpanded|newcount|newread|newwrite|makeat[a-z]*|ExplSyntaxOn
    |setcounter|addtocounter|font|fontname|tracing[a-z]*|begingroup|endgroup|bye|stop)(?![A-Za-z])""",
    re.VERBOSE,
)
_TOKEN = re.compile(
    r"""(?:[ \t\r\n\xa0~]|%[^\n]*(?:\n|\Z))*(?:
      ((?>[0-9]+(?:\.[0-9]+)?|\.[0-9]+))      # 1 number
    | (\\(?:[A-Za-z]+\*?|[^A-Za-z]|\Z))       # 2 command
    | ([A-Za-z]|[^\x00-\x7f][\u0300-\u036f]*) # 3 letter, or another character
    | (\^\^|[-+*/^_'()\[\]{}|=<>,;:.&$!\#])   # 4 symbol
    | (.)                                     # 5 none of these
    | (\Z)                                    # 6
    )""",
    re.VERBOSE | re.DOTALL,
)
_STARRED = frozenset((r"\operatorname*", r"\tag*", r"\hspace*", r"\vspace*", r"\newcommand*", r"\renewcommand*", r"\\*"))


def tokens_of(text: str, limits: Limits) -> list[Token]:
    """The tokens of the text, before macros are expanded; the last one is the end or a fault."""
    if not isinstance(text, str):
        told = "None" if text is None else f"a value of type {type(text).__name__}"
        raise FormulaError(f"expected a formula as text, found {told}.", hint=r'Write it between quotes: r"\frac{1}{2} x^2".')
    if len(text) > limits.characters:
        error = limits.exceeded("characters", f"the text is too long, it has {len(text)} characters")
        raise error.at(text, limits.characters, limits.characters + 1)
    return list(_Scanner(text).scanned())


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 1 if text.startswith("\ufeff") else 0

    def scanned(self) -> Iterator[Token]:
        text = self.text
        while True:
            before = self.position
            match = _TOKEN.match(text, before)
            assert match is not None
            group = match.lastindex or 0
            start, end = match.span(group)
            self.position = end
            value, glued = match[group], start == before
            if group == 1:
                yield Token(NUMBER, value, start, end, glued=glued)
            elif group == 2:
                made = self.command(value, start, glued)
                if made is None:
                    continue
                yield made
                if made.kind == FAULT:
                    return
            elif group == 3:
                made = self.letter(value, start, end, glued)
                yield made
                if made.kind == FAULT:
                    return
            elif value == "^^":
                yield _fault(_not_allowed("^^"), text, start, end)
                return
            elif group == 4:
                yield Token(SYMBOL, value, start, end, glued=glued)
            elif group == 5:
                yield _fault(self.bad_character(value), text, start, end)
                return
            else:
                yield Token(END, "", start, end)
                return

    def letter(self, value: str, start: int, end: int, glued: bool) -> Token:
        if value in _SAME:
            same = _SAME[value]
            return Token(COMMAND if same.startswith("\\") and same != r"\|" else SYMBOL, same, start, end, glued=glued)
        if value.isascii():
            return Token(LETTER, value, start, end, glued=glued)
        try:
            return Token(LETTER, name_of(value), start, end, glued=glued)
        except FormulaError as error:
            error.position = None
            return _fault(error, self.text, start, end)

    def bad_character(self, character: str) -> FormulaError:
        if character < " " or character == "\x7f":
            return refused_character(character)
        return FormulaError(f"unexpected '{character}': it is not allowed in a formula.", hint="Write the formula in LaTeX, without it.")

    def command(self, value: str, start: int, glued: bool) -> Token | None:
        """The token of a command; None for spacing."""
        text = self.text
        if value.endswith("*") and value not in _STARRED and len(value) > 2:
            value, self.position = value[:-1], self.position - 1
        refused = _REFUSED.match(value + " ")
        if refused:
            return _fault(_not_allowed(value), text, start, start + len(value))
        value = value.rstrip("*") if value != r"\*" else value
        end = self.position
        if value == "\\":
            return _fault(FormulaError("unexpected '\\': a command is missing its name.", hint="Remove it."), text, start, end)
        if value in _SPACE:
            return None
        if value == r"\intertext":  # prose between two lines
            prose = self.raw_argument()
            return prose if isinstance(prose, Token) else Token(COMMAND, r"\\", start, self.position)
        if value in _WITH_ARGUMENT:
            inner = self.raw_argument()
            return inner if isinstance(inner, Token) else None
        if value in (r"\kern", r"\mkern", r"\hskip", r"\mskip"):
            length = re.compile(r"\s*-?[0-9.]*\s*(?:mu|pt|em|ex|cm|mm|in)?").match(text, end)
            self.position = length.end() if length else end
            return None
        if value in WORDS:
            return self.word(value, start, glued)
        if value in (r"\left", r"\right", r"\middle") or _BIG.match(value):
            return self.bracket(value, start, glued)
        if value in _OPENS:
            return Token(SYMBOL, _OPENS[value], start, end, side="l", glued=glued)
        if value in _CLOSES:
            return Token(SYMBOL, _CLOSES[value], start, end, side="r", glued=glued)
        value = _SAME.get(value, value)
        if not value:
            return None
        if value[0] != "\\" or value in (r"\{", r"\}", r"\|"):
            return Token(SYMBOL, value, start, end, glued=glued)
        return Token(COMMAND, value, start, end, glued=glued)

    def bracket(self, value: str, start: int, glued: bool) -> Token:
        """A bracket with its size."""
        match = _TOKEN.match(self.text, self.position)
        assert match is not None
        written = match[match.lastindex or 0]
        size = _BIG.match(value)
        side = size[1] if size else {r"\left": "l", r"\right": "r", r"\middle": "m"}[value]
        found = _OPENS.get(written) or _CLOSES.get(written) or _SAME.get(written, written)
        side = side or ("l" if written in _OPENS else "r" if written in _CLOSES else "b" if found in ("|", r"\|") else "")
        if found not in ("(", ")", "[", "]", r"\{", r"\}", "|", r"\|", ".", "/", "<", ">", *_OPENS, *_CLOSES) and found not in (
            r"\langle",
            r"\rangle",
            r"\lfloor",
            r"\rfloor",
            r"\lceil",
            r"\rceil",
        ):
            hint = r"Write a bracket after it: \left( … \right)."
            error = FormulaError(f"unexpected {_shown(written)} after {value}: expected a bracket.", hint=hint)
            return _fault(error, self.text, start, self.position)
        self.position = match.end()
        found = {"<": r"\langle", ">": r"\rangle"}.get(found, found)
        return Token(SYMBOL, found, start, self.position, side=side, sized=not size, glued=glued)

    def word(self, head: str, start: int, glued: bool) -> Token:
        """`\\mathrm{loss}` as one token; `\\mathop{…}` of more than a word, and `\\mathrm{d}x`, likewise."""
        if head == r"\mathop" and re.match(r"\s*\{\s*\\", self.text[self.position :]):
            return Token(COMMAND, r"\smash", start, self.position, glued=glued)  # its braces go, what is in them stays
        inner = self.raw_argument()
        if isinstance(inner, Token):
            return inner
        content, at = inner
        return Token(WORD, content, start, self.position, head=head, glued=glued, error=self.word_fault(content, head, at))

    def word_fault(self, content: str, head: str, at: int) -> SymgdError | None:
        """What makes the content no name, if it is to be one: said only where a name is needed."""
        if not content.strip():
            return FormulaError(f"empty {head}: expected a name.", hint=rf"Write it as in {head}{{loss}}.").at(self.text, at - 1, at)
        for k, character in enumerate(content):
            if not (character.isalnum() or character in " _-" or ord(character) > 127):
                error = FormulaError(
                    f"unexpected {_shown(character)} in {head}: it is not allowed in a name.",
                    hint="A name is letters, digits and underscores.",
                )
                return error.at(self.text, at + k, at + k + 1)
        return None

    def raw_argument(self) -> tuple[str, int] | Token:
        """The text of the argument that follows, `\\_` read as `_`, with its place; a fault where it is never closed or holds a command."""
        text = self.text
        position = self.position
        while position < len(text) and text[position] in " \t\r\n":
            position += 1
        if text[position : position + 1] == "[":  # \\hspace[…] and the like
            position = max(text.find("]", position) + 1, position)
        if text[position : position + 1] != "{":
            match = re.compile(r"\\?[A-Za-z]+" if text[position : position + 1] == "\\" else r".?", re.DOTALL).match(text, position)
            assert match is not None
            self.position = match.end()
            if match[0].startswith("\\"):
                return _fault(_not_allowed(match[0], "here"), text, match.start(), match.end())
            return match[0], position
        start, depth = position + 1, 0
        found: list[str] = []
        for position in range(start - 1, len(text)):
            character = text[position]
            if character == "\\":
                command = re.compile(r"\\(?:[A-Za-z]+|.?)", re.DOTALL).match(text, position)
                assert command is not None
                if command[0] in (r"\_", r"\ ", r"\,", r"\;", r"\&", r"\%", r"\#", r"\$"):
                    continue
                if _REFUSED.match(command[0] + " ") or command[0] not in _IN_TEXT:
                    return _fault(_not_allowed(command[0], "inside a text"), text, position, position + len(command[0]))
                continue
            depth += (character == "{") - (character == "}")
            if depth == 0:
                self.position = position + 1
                return "".join(found[1:]), start
            found.append(character)
        error = FormulaError("missing '}': this '{' is never closed.", hint="Write '}' where it ends.")
        return _fault(error, text, start - 1, start)


_IN_TEXT = frozenset((r"\\", r"\eqref", r"\ref", r"\cite", r"\emph", r"\textbf", r"\textit", r"\quad", r"\ldots", r"\dots"))


def _fault(error: SymgdError, text: str, start: int, end: int) -> Token:
    return Token(FAULT, "", start, end, error=error.at(text, start, end))


def _not_allowed(command: str, where: str = "in a formula") -> FormulaError:
    return FormulaError(f"the command {command} is not allowed {where}.", hint="Write what it stands for.")


def _shown(written: str) -> str:
    return f"'{written}'" if written else "end"


def placed(token: Token, start: int, end: int) -> Token:
    """The token at another place: that of the macro it comes from."""
    return replace(token, start=start, end=end)
