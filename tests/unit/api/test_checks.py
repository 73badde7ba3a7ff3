"""What may be an id: letters of any script, none that cannot be seen or that the store escapes."""

from __future__ import annotations

import pytest

from tidebook.api.rows import checks


@pytest.mark.parametrize(
    "text", ["A", "AAPL", "a b", 'say "x"', "{x},y", "~", "Zürich", "株式", "x" * 200]
)
def test_what_can_name_something(text: str) -> None:
    assert checks.is_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a ",
        " a",
        "a\tb",
        "a\n",
        "a\x7f",
        "a\x85",
        "ü\x00",
        r"a\b",
        "ü\\",
        "\xa0ü",
        "x" * 201,
    ],
)
def test_what_cannot(text: str) -> None:
    assert not checks.is_id(text)
