"""Which names there are: letters, digits and underscores, in scripts whose letters cannot be taken for one another.

A name is what its reader sees. So a letter that looks like another one (Cyrillic х, fullwidth ｘ, mathematical 𝑥, Greek capital Α) is
refused by its code point, and so is a name that mixes scripts; `é` written in two characters is the same name as `é` written in one.
Latin, Greek, Cyrillic, Hangul, Han, Hiragana and Katakana may be used. Greek letters that look like no Latin letter (Δ, σ, θ) may
stand beside Latin ones.
"""

from __future__ import annotations

import re
import unicodedata

from symgd.errors import FormulaError

RESERVED = frozenset({"if", "else", "and", "or", "not", "in", "is", "for", "True", "False", "None"})

_LOOKS_LATIN = {
    **dict(zip("асԁеһіјӏорԛѕԝхукьАВСЕНІЈКМОРԚЅТԜХУЬѴѵԌ", "acdehijlopqswxykbABCEHIJKMOPQSTWXYbVvG")),  # Cyrillic
    **dict(zip("οΑΒΕΖΗΙΚΜΝΟΡΤΥΧϳͿ", "oABEZHIKMNOPTYXjJ")),  # Greek
    **dict(zip("ıɑɡɩǀ", "iagil")),  # Latin
}
_LOOKS_LATIN_IN_A_WORD = dict(zip("ικνρυχ", "iKvpux"))  # Greek letters of their own that a Latin word may not hide
_PLAIN_LATIN = frozenset("ßæÆøØœŒþÞðÐđĐħĦłŁŋŊ")
_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "HANGUL", "CJK", "HIRAGANA", "KATAKANA")
_INSTEAD = dict(
    entry.split(" ", 1)
    for entry in (  # noqa: SIM905  one line per row of a list would take forty
        "∑ sum(i, x[i])|∏ prod(i, x[i])|√ sqrt(x)|∇ grad(f, x)|∂ diff(f, x)|‖ norm2(x)|∣ abs(x)|⊗ kron(A, B)|⊙ .*|∘ .*|≤ <=|≥ >=|≠ !="
        "|÷ /|⁄ /|∕ /|– -|— -|∗ *|∙ *|• *|⊤ '|ᵀ '|’ '|‘ '|′ '|° *pi/180|∞ a number|± two formulas|∈ in|½ 1/2|¼ 1/4"
        "|⁰ ^0|¹ ^1|² ^2|³ ^3|⁴ ^4|⁵ ^5|⁶ ^6|⁷ ^7|⁸ ^8|⁹ ^9"
    ).split("|")
)


def name_of(raw: str) -> str:
    """The name in its normal form (NFC). Raises `FormulaError`, whose position is that of the fault in `raw`."""
    name = raw if raw.isascii() else unicodedata.normalize("NFC", raw)
    if not name.isascii():
        for position, character in enumerate(raw):
            if not character.isascii():
                _check_character(raw, position)
        _check_scripts(raw)
    if name.startswith("__"):
        raise _named(f"the name '{name[:40]}' is not allowed: two underscores begin it.", "Begin a name with a letter.", 0, len(raw))
    if not any(map(str.isalpha, name)):
        raise _named(f"the name '{name[:40]}' is not allowed: it has no letter.", "Begin a name with a letter.", 0, len(raw))
    return name


def check_name(name: object) -> str:
    """The normal form of a name that did not come through the tokenizer, such as that of a SymPy symbol; raises `FormulaError`."""
    if not isinstance(name, str):
        raise FormulaError(f"expected a name as text, found a value of type {type(name).__name__}.")
    if not name.strip():
        raise FormulaError("a name is missing: it is empty.", hint="A name is letters, digits and underscores, beginning with a letter.")
    plain = re.match(r"(?:[A-Za-z_]|[^\x00-\x7f])(?:\w|[^\x00-\x7f])*", name)
    end = plain.end() if plain else 0
    if end < len(name):
        shown = name[end] if name[end].isprintable() else f"U+{ord(name[end]):04X}"
        error = FormulaError(
            f"'{shown}' is not allowed in a name.", hint="A name is letters, digits and underscores, beginning with a letter."
        )
        raise error.at(name, end, end + 1)
    if name in RESERVED:
        raise FormulaError(f"the name '{name}' is not allowed: the word is a part of the language.", hint="Choose another name.").at(
            name, 0, len(name)
        )
    try:
        return name_of(name)
    except FormulaError as error:
        error.text = name
        if "name" not in error.hint:
            error.hint = f"{error.hint} A name is letters, digits and underscores."
        raise


def refused_character(character: str, *, looks_like: str = "") -> FormulaError:
    """The error for a character that has no place in a formula, told by its code point."""
    named = unicodedata.name(character, "") or {"Cc": "a control character", "Cs": "a surrogate"}.get(unicodedata.category(character), "")
    told = f"U+{ord(character):04X}" + (f" ({named})" if named else "")
    instead = _INSTEAD.get(character)
    if instead:
        return FormulaError(f"the character {told} is not allowed.", hint=f"Write {instead} instead.")
    if looks_like:
        hint = f"Write {looks_like} itself: a name holds no letter that looks like another."
        return FormulaError(f"the character {told} looks like '{looks_like}'.", hint=hint)
    return FormulaError(f"the character {told} is not allowed.", hint="Remove it: a name is letters, digits and underscores.")


def _check_character(raw: str, position: int) -> None:
    """Refuse a character that is no letter, or looks like another one."""
    character = raw[position]
    category = unicodedata.category(character)
    if category.startswith("M"):
        if _composes(raw, position):
            return
    elif category in ("Ll", "Lu", "Lo"):
        composed = unicodedata.normalize("NFC", character)
        compatible = unicodedata.normalize("NFKC", character)
        base = unicodedata.normalize("NFD", character)[0]
        if compatible != composed and not _is_jamo(character):
            raise _placed(refused_character(character, looks_like=_shown(character)), position)
        if base in _LOOKS_LATIN and _script(base) != "CYRILLIC":  # a Cyrillic word may hold them, see _check_scripts
            raise _placed(refused_character(character, looks_like=_LOOKS_LATIN[base]), position)
        if _is_known(character, base):
            return
    elif character == "ー" and position and _script(raw[position - 1]) in ("HIRAGANA", "KATAKANA"):
        return
    raise _placed(refused_character(character, looks_like=_shown(character)), position)


def _check_scripts(raw: str) -> None:
    """Refuse a part of the name (between underscores) that mixes scripts, and a Cyrillic one that could be Latin."""
    start = 0
    for part in raw.split("_"):
        letters = [(start + k, c) for k, c in enumerate(part) if c.isalpha()]
        start += len(part) + 1
        scripts = {_script(c) for _, c in letters}
        for position, c in letters:
            script = _script(c)
            if script == "CYRILLIC" and (len(scripts) > 1 or all(other in _LOOKS_LATIN for _, other in letters)):
                if c in _LOOKS_LATIN:
                    raise _placed(refused_character(c, looks_like=_LOOKS_LATIN[c]), position)
                raise _named(
                    f"the character U+{ord(c):04X} ({unicodedata.name(c)}) is not allowed beside letters of another script.",
                    "",
                    position,
                    1,
                )
            if script == "GREEK" and "LATIN" in scripts and c in _LOOKS_LATIN_IN_A_WORD:
                raise _placed(refused_character(c, looks_like=_LOOKS_LATIN_IN_A_WORD[c]), position)


def _shown(character: str) -> str:
    """What a compatibility character looks like, where that is short text."""
    compatible = unicodedata.normalize("NFKC", character)
    return compatible if compatible != character and compatible.isprintable() and compatible.strip() and len(compatible) <= 4 else ""


def _composes(raw: str, position: int) -> bool:
    """Does the mark at `position` merge with the letter before it?"""
    start = position
    while start and unicodedata.category(raw[start]).startswith("M") and position - start < 4:
        start -= 1
    return len(unicodedata.normalize("NFC", raw[start : position + 1])) == 1


def _script(character: str) -> str:
    return unicodedata.name(character, "").split(" ")[0]


def _is_known(character: str, base: str) -> bool:
    script = _script(character)
    if script == "LATIN":
        return base.isascii() or character in _PLAIN_LATIN
    return script in _SCRIPTS


def _is_jamo(character: str) -> bool:
    return 0x1100 <= ord(character) <= 0x11FF


def _placed(error: FormulaError, position: int) -> FormulaError:
    error.position = position
    return error


def _named(reason: str, hint: str, position: int, length: int) -> FormulaError:
    return FormulaError(reason, hint=hint, position=position, length=length)
