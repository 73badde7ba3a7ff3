"""The figures of parts, of users and of rules, by what they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

BRIDGE: Final[Mapping[str, str]] = {
    "start": "the value at the close of the day before the first, of what could be valued",
    "flows": "what crossed the border, positive into the portfolio",
    "price": "gains of what was sold and of what is held, less those by exchange rates",
    "currency": "gains by exchange rates, those of cash among them",
    "income": "dividends and interest before costs, less interest that was charged",
    "fees": "fees, positive where they were paid",
    "taxes": "taxes, positive where they were paid",
    "unexplained": "end + into_unpriced - start - all other lines",
    "into_unpriced": "what went into securities that could not be valued",
    "end": "the value at the close of the last day, of what could be valued",
}
BRIDGE_LINE: Final[Mapping[str, str]] = {
    "start": "what the security was worth at the close of the day before the first",
    "end": "what it was worth at the close of the last day",
    "realised": "what its sales brought less what the units were worth when the period opened, or "
    "cost since, before costs",
    "realised_currency": "realised gain less local gain x rate of the sale",
    "unrealised": "value at the end less what the units were worth when the period opened, or cost "
    "since; of cash, its gain by exchange rates",
    "unrealised_currency": "unrealised gain less local gain x rate of the last day",
}
