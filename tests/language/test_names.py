"""Which names there are."""

from __future__ import annotations

import unicodedata

import pytest

from symgd.errors import FormulaError
from symgd.language.infix import parse_formula
from symgd.language.names import check_name
from symgd.language.syntax import Name

LATIN = "x w_1 lambda lambda_ del I S N E e pi beta import_rate x1 _x"
OTHERS = "θ Δ Δx σ_x μ1 온도 손실 손실_train 权重 重み パラメータ résumé naïve_x потери ß"


@pytest.mark.parametrize("name", [*LATIN.split(), *OTHERS.split()])
def test_names_of_many_scripts_are_names(name: str) -> None:
    assert check_name(name) == name
    node = parse_formula(name)
    assert isinstance(node, Name)
    assert node.name == name


def test_a_name_is_the_same_however_its_accents_are_typed() -> None:
    apart = unicodedata.normalize("NFD", "é온도")
    assert apart != "é온도"
    assert check_name(apart) == "é온도"


@pytest.mark.parametrize(
    "letters", ["асԁеһіјӏорԛѕԝху", "АВСЕНІЈКМОРЅТХУ", "οΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ıɑɡ", "𝐱𝑥𝒙𝓍𝔵𝕩𝗑𝚡", "ａｂｃ", "ᵃᵇᶜ", "ⓐⓑ", "ﬀﬁﬂ"]
)
def test_letters_that_look_like_others_are_refused(letters: str) -> None:
    for letter in letters:
        with pytest.raises(FormulaError, match=r"the character U\+[0-9A-F]{4,5} "):
            check_name(letter)


def test_invisible_and_control_characters_are_refused_anywhere() -> None:
    for code in [
        *range(9),
        11,
        12,
        *range(14, 32),
        127,
        *range(0x80, 0xA0),
        0xAD,
        *range(0x200B, 0x2010),
        *range(0x2028, 0x202F),
        0x2060,
        0xFEFF,
        0xE0001,
    ]:
        for text in (f"x{chr(code)}", f"x{chr(code)}y", f"x + {chr(code)}y"):
            with pytest.raises(FormulaError, match=r"the character U\+") as caught:
                parse_formula(text)
            assert caught.value.position == text.index(chr(code))
