"""The reference of the CSV format says what the reader does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tidebook.adapters.csvfile import LAYOUTS, Form, parse
from tidebook.adapters.csvfile.words import WORDS, read_word
from tidebook.api.rows.transaction_types import TERMS

if TYPE_CHECKING:
    from tidebook.adapters.csvfile import FileKind, Layout

REFERENCE = (Path(__file__).parents[3] / "docs" / "reference" / "csv.md").read_text("utf-8")
WRITTEN_AS = {
    "text": Form.TEXT,
    "word": Form.WORD,
    "currency": Form.CURRENCY,
    "number": Form.NUMBER,
    "date": Form.DAY,
    "date and time": Form.INSTANT,
    "flag": Form.FLAG,
    "lots": Form.LOTS,
    "changes": Form.CHANGES,
}


def section(kind: FileKind) -> str:
    (text,) = re.findall(rf"^### {kind}\n(.*?)(?=^##)", REFERENCE, re.DOTALL | re.MULTILINE)
    return text


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.kind)
def test_every_column_is_described_as_it_is(layout: Layout) -> None:
    text = section(layout.kind)
    described = re.findall(r"^\| `(\w+)` \| ([a-z ]+) \| ?(.*?) ?\|$", text, re.MULTILINE)

    assert f"`{layout.path}`" in text
    assert [
        (name, WRITTEN_AS[written], remark.startswith("required"))
        for name, written, remark in described
    ] == [tuple(column) for column in layout.columns]


def test_the_words_of_brokers_are_those_that_are_understood() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (`.*`) \|$", REFERENCE, re.MULTILINE)
    described = {
        (column, word): meaning
        for column, meaning, words in rows
        for word in re.findall(r"`(\w+)`", words)
    }
    for (column, word), meaning in described.items():
        assert read_word(column, word.replace("_", " ").lower()) == meaning
    understood = {
        (column, word)
        for column, words in WORDS.items()
        for word, meaning in words.items()
        if word != meaning.upper()
    }
    # A split among transactions is understood only to be told where it belongs.
    misplaced = {word for word, meaning in WORDS["action_type"].items() if meaning not in TERMS}
    assert set(described) == understood - {("transaction_type", word) for word in misplaced}


def test_the_two_example_files_say_the_same() -> None:
    english, european = (
        parse(example.encode())
        for example in re.findall(r"```text\n(.*?)```", REFERENCE, re.DOTALL)[:2]
    )

    assert english.faults == european.faults == []
    assert len(english.rows) == 2
    for row, twin in zip(english.rows, european.rows, strict=True):
        assert row.body["transaction_id"] == twin.body["transaction_id"]
        assert row.body["security_id"] == twin.body["security_id"]


@pytest.mark.parametrize(
    ("written", "semicolons", "commas"),
    re.findall(r"^\| (`1[^|]*) \| ([^|]+) \| ([^|]+) \|$", REFERENCE, re.MULTILINE),
)
def test_every_spelling_of_a_number_is_read_as_described(
    written: str, semicolons: str, commas: str
) -> None:
    for spelling in re.findall(r"`([^`]+)`", written):
        for delimiter, outcome in ((";", semicolons), (",", commas)):
            header = delimiter.join(("security_id", "price_date", "price", "currency"))
            row = delimiter.join(("A", "2024-03-01", f'"{spelling}"', "EUR"))
            file = parse(f"{header}\n{row}\n".encode())

            prices = [parsed.body["price"] for parsed in file.rows]
            assert prices == ([] if outcome.startswith("refused") else [outcome])
