"""The client: a book read from Python, over HTTP or inside the process."""

from tidebook.client.asking import NOW, Measuring, Risking, When
from tidebook.client.book import Book
from tidebook.client.connecting import connect
from tidebook.client.records import (
    Comparison,
    Contribution,
    Day,
    Freshness,
    Gain,
    Lot,
    MoneyWeighted,
    Performance,
    Portfolio,
    Position,
    Return,
    RiskFigure,
    Transaction,
)
from tidebook.client.tables import Table

__all__ = [
    "NOW",
    "Book",
    "Comparison",
    "Contribution",
    "Day",
    "Freshness",
    "Gain",
    "Lot",
    "Measuring",
    "MoneyWeighted",
    "Performance",
    "Portfolio",
    "Position",
    "Return",
    "RiskFigure",
    "Risking",
    "Table",
    "Transaction",
    "When",
    "connect",
]
