"""The kinds of file, column by column, and how a header tells which one it is."""

from __future__ import annotations

import re
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class FileKind(StrEnum):
    """What one file holds."""

    TRANSACTIONS = "transactions"
    PRICES = "prices"
    RATES = "rates"
    INSTRUMENTS = "instruments"
    PORTFOLIOS = "portfolios"
    CORPORATE_ACTIONS = "corporate-actions"
    CANCELLATIONS = "cancellations"
    ASSERTIONS = "assertions"


class Form(Enum):
    """How the cells of a column are written."""

    TEXT = "text"
    WORD = "word, in capitals"
    CURRENCY = "currency code"
    NUMBER = "number"
    DAY = "date"
    INSTANT = "date and time"
    FLAG = "true or false"
    LOTS = "lots and their quantities"
    CHANGES = "days and the methods that hold from them on"


class Column(NamedTuple):
    """One column; a required one must be there and filled in on every row."""

    name: str
    form: Form = Form.TEXT
    required: bool = False


class Layout(NamedTuple):
    """One kind of file and the ingest route that its rows are posted to.

    ``identity`` names the columns by which the book knows the fact. ``copies`` fills a column that
    is missing or empty from another, ``defaults`` with a fixed text.
    """

    kind: FileKind
    path: str
    body_key: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    copies: tuple[tuple[str, str], ...] = ()
    defaults: tuple[tuple[str, str], ...] = ()


_CANCELLED = (
    Column("kind", Form.WORD, required=True),
    Column("transaction_id"),
    Column("portfolio_id"),
    Column("action_id"),
    Column("security_id"),
    Column("price_date", Form.DAY),
    Column("from_currency", Form.CURRENCY),
    Column("to_currency", Form.CURRENCY),
    Column("rate_date", Form.DAY),
    Column("business_date", Form.DAY),
    Column("assertion_id"),
)

LAYOUTS: Mapping[FileKind, Layout] = {
    layout.kind: layout
    for layout in (
        Layout(
            FileKind.TRANSACTIONS,
            "/ingest/transactions",
            "transactions",
            (
                Column("transaction_id"),
                Column("portfolio_id", required=True),
                Column("instrument_id"),
                Column("security_id", required=True),
                Column("transaction_date", Form.INSTANT, required=True),
                Column("transaction_type", Form.WORD, required=True),
                Column("quantity", Form.NUMBER, required=True),
                Column("price", Form.NUMBER, required=True),
                Column("gross_transaction_amount", Form.NUMBER, required=True),
                Column("trade_currency", Form.CURRENCY, required=True),
                Column("currency", Form.CURRENCY),
                Column("trade_fee", Form.NUMBER),
                Column("tax", Form.NUMBER),
                Column("accrued_interest", Form.NUMBER),
                Column("transaction_fx_rate", Form.NUMBER),
                Column("settlement_date", Form.DAY),
                Column("note"),
                Column("lots", Form.LOTS),
                Column("to_portfolio_id"),
                Column("to_security_id"),
                Column("to_quantity", Form.NUMBER),
            ),
            identity=("transaction_id",),
            copies=(
                ("instrument_id", "security_id"),
                ("currency", "trade_currency"),
                ("trade_currency", "currency"),
            ),
            defaults=(("trade_fee", "0"),),
        ),
        Layout(
            FileKind.PRICES,
            "/ingest/market-prices",
            "market_prices",
            (
                Column("security_id", required=True),
                Column("price_date", Form.DAY, required=True),
                Column("price", Form.NUMBER, required=True),
                Column("currency", Form.CURRENCY, required=True),
            ),
            identity=("security_id", "price_date"),
        ),
        Layout(
            FileKind.RATES,
            "/ingest/fx-rates",
            "fx_rates",
            (
                Column("from_currency", Form.CURRENCY, required=True),
                Column("to_currency", Form.CURRENCY, required=True),
                Column("rate_date", Form.DAY, required=True),
                Column("rate", Form.NUMBER, required=True),
            ),
            identity=("from_currency", "to_currency", "rate_date"),
        ),
        Layout(
            FileKind.INSTRUMENTS,
            "/ingest/instruments",
            "instruments",
            (
                Column("security_id", required=True),
                Column("name", required=True),
                Column("isin"),
                Column("instrument_currency", Form.CURRENCY, required=True),
                Column("product_type", required=True),
                Column("asset_class"),
                Column("sector"),
                Column("country_of_risk"),
                Column("multiplier", Form.NUMBER),
                Column("underlying_id"),
                Column("option_right", Form.WORD),
                Column("strike", Form.NUMBER),
                Column("expires_on", Form.DAY),
            ),
            identity=("security_id",),
        ),
        Layout(
            FileKind.PORTFOLIOS,
            "/ingest/portfolios",
            "portfolios",
            (
                Column("portfolio_id", required=True),
                Column("base_currency", Form.CURRENCY, required=True),
                Column("open_date", Form.DAY, required=True),
                Column("close_date", Form.DAY),
                Column("name"),
                Column("risk_exposure"),
                Column("investment_time_horizon"),
                Column("portfolio_type"),
                Column("objective"),
                Column("booking_center"),
                Column("cif_id"),
                Column("is_leverage_allowed", Form.FLAG),
                Column("advisor_id"),
                Column("status"),
                Column("cost_basis_method"),
                Column("settlement"),
                Column("time_zone"),
                Column("allow_short", Form.FLAG),
                Column("cost_basis_method_changes", Form.CHANGES),
                Column("taxpayer_id"),
                Column("short_term_tax_rate", Form.NUMBER),
                Column("long_term_tax_rate", Form.NUMBER),
                Column("long_term_months", Form.NUMBER),
            ),
            identity=("portfolio_id",),
        ),
        Layout(
            FileKind.CORPORATE_ACTIONS,
            "/ingest/corporate-actions",
            "corporate_actions",
            (
                Column("action_id", required=True),
                Column("action_type", Form.WORD, required=True),
                Column("security_id", required=True),
                Column("ex_date", Form.DAY, required=True),
                Column("new_units", Form.NUMBER),
                Column("old_units", Form.NUMBER),
                Column("to_security_id"),
                Column("cost_fraction", Form.NUMBER),
                Column("cash_per_unit", Form.NUMBER),
                Column("cash_currency", Form.CURRENCY),
                Column("portfolio_id"),
                Column("note"),
            ),
            identity=("action_id",),
        ),
        Layout(
            FileKind.CANCELLATIONS,
            "/ingest/cancellations",
            "cancellations",
            _CANCELLED,
            identity=tuple(column.name for column in _CANCELLED),
        ),
        Layout(
            FileKind.ASSERTIONS,
            "/ingest/balance-assertions",
            "balance_assertions",
            (
                Column("assertion_id"),
                Column("portfolio_id", required=True),
                Column("security_id", required=True),
                Column("assertion_date", Form.DAY, required=True),
                Column("quantity", Form.NUMBER, required=True),
                Column("tolerance", Form.NUMBER),
                Column("source"),
                Column("note"),
                Column("cancelled", Form.FLAG),
            ),
            identity=("assertion_id",),
        ),
    )
}


class Header(NamedTuple):
    """A header that was understood.

    ``columns`` pairs the position of a cell with the column it fills; ``unknown`` and ``repeated``
    are names as the file writes them.
    """

    layout: Layout
    columns: tuple[tuple[int, Column], ...]
    unknown: tuple[str, ...]
    repeated: tuple[str, ...]


class Unrecognised(NamedTuple):
    """A header of no kind, the kind that comes nearest, and the columns lacking for that kind.

    ``is_asked`` says that the kind is not the nearest but the one that the file was said to be of.
    """

    nearest: FileKind
    lacking: tuple[str, ...]
    is_asked: bool = False


def plain(name: str) -> str:
    """Return a column's name without what spellings differ in.

    >>> plain("transaction_id") == plain("transactionId") == plain(" Transaction ID ")
    True
    """
    return re.sub(r"[\s_\-]", "", name).casefold()


def recognise(names: Sequence[str], kind: FileKind | None = None) -> Header | Unrecognised:
    """Tell the kind of a file from its header.

    The kind is the one whose required columns are all there; should several be, the one that knows
    most of the names. Where the kind is said, the header has to be of it.
    """
    spelt = {plain(name) for name in names}
    if kind is not None:
        gaps = lacking(LAYOUTS[kind], spelt)
        return Unrecognised(kind, gaps, is_asked=True) if gaps else _header(LAYOUTS[kind], names)
    matches = [layout for layout in LAYOUTS.values() if not lacking(layout, spelt)]
    if not matches:
        # Cancellations have names of every other kind, and without their own they are none.
        others = [one for one in LAYOUTS.values() if one.kind is not FileKind.CANCELLATIONS]
        nearest = max(others, key=lambda layout: _closeness(layout, spelt))
        return Unrecognised(nearest.kind, lacking(nearest, spelt))
    return _header(max(matches, key=lambda layout: known_count(layout, spelt)), names)


def known_count(layout: Layout, spelt: set[str]) -> int:
    """Return how many columns of a layout occur among plain names."""
    return sum(plain(column.name) in spelt for column in layout.columns)


def lacking(layout: Layout, spelt: set[str]) -> tuple[str, ...]:
    """Return the required columns that plain names hold neither themselves nor a source for."""
    sources = dict(layout.copies)
    return tuple(
        column.name
        for column in layout.columns
        if column.required
        and plain(column.name) not in spelt
        and plain(sources.get(column.name, column.name)) not in spelt
    )


def _closeness(layout: Layout, spelt: set[str]) -> tuple[int, int]:
    return known_count(layout, spelt), -len(lacking(layout, spelt))


def _header(layout: Layout, names: Sequence[str]) -> Header:
    known = {plain(column.name): column for column in layout.columns}
    columns: dict[str, tuple[int, Column]] = {}
    unknown: list[str] = []
    repeated: list[str] = []
    for position, name in enumerate(names):
        key = plain(name)
        if key in columns:
            repeated.append(name.strip())
        elif key in known:
            columns[key] = (position, known[key])
        else:
            unknown.append(name.strip())
    return Header(layout, tuple(columns.values()), tuple(unknown), tuple(repeated))
