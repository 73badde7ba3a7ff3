"""Contrast of every text colour on every ground, after WCAG 2.2, success criterion 1.4.3."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import product

import pytest

STYLE = (files("tidebook.web") / "static" / "page.css").read_text(encoding="utf-8")
TEXTS = ("ink", "soft", "tide", "plus", "minus", "warn")
GROUNDS = ("paper", "raised")
LEAST_CONTRAST = 4.5
LEAST_CONTRAST_OF_A_LINE = 3.0


def colours(scheme: str) -> dict[str, str]:
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light if scheme == "light" else dark))


def luminance(colour: str) -> float:
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_of_black_on_white_is_twenty_one() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), list(product(TEXTS, GROUNDS)))
def test_text_stands_out_from_its_ground(scheme: str, text: str, ground: str) -> None:
    found = colours(scheme)
    assert contrast(found[text], found[ground]) >= LEAST_CONTRAST


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_of_a_banner_and_a_button_stand_out(scheme: str) -> None:
    found = colours(scheme)
    assert contrast(found["ink"], found["warn-wash"]) >= LEAST_CONTRAST
    assert contrast(found["paper"], found["tide"]) >= LEAST_CONTRAST


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("line", ["tide", "ochre", "under"])
def test_a_drawn_line_stands_out(scheme: str, line: str) -> None:
    found = colours(scheme)
    assert contrast(found[line], found["paper"]) >= LEAST_CONTRAST_OF_A_LINE


def test_style_and_script_ask_for_no_other_file() -> None:
    script = (files("tidebook.web") / "static" / "page.js").read_text(encoding="utf-8")
    assert not re.search(r"url\(|@import|@font-face", STYLE)
    assert not re.search(r"fetch\(|import\(|XMLHttpRequest|innerHTML|eval\(|https?:", script)
    assert "</" not in STYLE + script
