"""Lists as parameters: what the driver looks at element by element is written at once.

A batch names thousands of ids, and the driver asks of each what it is and whether it needs quotes.
Texts, numbers and days that are of one type need no asking: every text is quoted.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from psycopg.types.array import ListDumper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection
    from psycopg.abc import Buffer

_UTF_8 = "utf-8"


class PlainListDumper(ListDumper):
    """Writes lists of texts, whole numbers or days; leaves all others to the driver."""

    def dump(self, obj: list[Any]) -> Buffer | None:
        """Return the text of an array."""
        kinds = set(map(type, obj))
        if len(kinds) == 1 and self._tx.encoding == _UTF_8:
            kind = kinds.pop()
            if kind is str:
                text = quoted(obj)
                # The driver says what is wrong with a text that no text column can hold.
                return super().dump(obj) if "\x00" in text else text.encode()
            if kind is int:
                return f"{{{','.join(map(str, obj))}}}".encode()
            if kind is date:
                return f"{{{','.join(map(date.isoformat, obj))}}}".encode()
        return super().dump(obj)


def quoted(texts: Sequence[str]) -> str:
    """Return the text of an array of texts."""
    whole = '","'.join(texts)
    if "\\" in whole or whole.count('"') > 2 * (len(texts) - 1):
        escaped = (text.replace("\\", r"\\").replace('"', r"\"") for text in texts)
        whole = '","'.join(escaped)
    return f'{{"{whole}"}}'


def write_lists_plainly(connection: Connection[Any]) -> None:
    """Have a connection write its lists so."""
    connection.adapters.register_dumper(list, PlainListDumper)
