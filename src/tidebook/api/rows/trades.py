"""The body of ``POST /trades``: one trade of one user."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from tidebook.api.rows import checks
from tidebook.api.rows.kinds import Door
from tidebook.api.rows.reader import Names
from tidebook.engine.user_trades import UserTrade
from tidebook.engine.users import portfolio_id_of
from tidebook.model.facts import TransactionType
from tidebook.model.money import ZERO, converted

if TYPE_CHECKING:
    from decimal import Decimal

    from tidebook.api.rows.reader import RowReader

_REQUIRED = ("user_id", "symbol", "side", "qty", "price", "executed_at")
_OPTIONAL = ("external_id", "fee", "account_id", "asset_class", "raw")
_NOT_SAID = datetime(1970, 1, 1, tzinfo=UTC)
_encoder = msgspec.json.Encoder(decimal_format="number")


class TradeSide(StrEnum):
    """Which way a trade went."""

    BUY = "buy"
    SELL = "sell"


def _trade(row: RowReader) -> UserTrade:
    user_id, account_id = row.identifier("user_id"), row.identifier("account_id", default="")
    side = row.word("side", TradeSide, TradeSide.BUY)
    quantity, price = row.positive("qty"), row.positive("price")
    executed_at = _executed_at(row)
    trade = UserTrade(
        user_id=user_id,
        symbol=row.identifier("symbol"),
        side=TransactionType.BUY if side is TradeSide.BUY else TransactionType.SELL,
        quantity=quantity,
        price=price,
        gross=_gross(row, quantity, price),
        executed_at=executed_at,
        external_id=row.identifier("external_id", default=""),
        fee=row.not_negative("fee", default=ZERO),
        account_id=account_id,
        asset_class=row.text("asset_class"),
        raw=_raw(row),
    )
    if row.is_clean and not checks.is_id(portfolio_id_of(user_id, account_id)):
        row.fault(
            "user_id",
            "id.underivable",
            f"the id of the portfolio made of user and account is longer than "
            f"{checks.ID_LENGTH_MAX} characters; send a shorter account_id",
        )
    return trade


def _executed_at(row: RowReader) -> datetime:
    """Return the instant of execution; a plain day does not say when in it."""
    executed_at, day = row.day_or_instant("executed_at")
    if executed_at is not None:
        return executed_at
    if day is not None and row.has("executed_at") and row.is_sound("executed_at"):
        row.fault(
            "executed_at",
            "instant.expected",
            f"{day} is a day and no instant; send when it was executed, with an offset: "
            f"{day}T15:30:00Z",
        )
    return _NOT_SAID


def _gross(row: RowReader, quantity: Decimal, price: Decimal) -> Decimal:
    """Return quantity times price, half even to 18 places where it has more."""
    gross = converted(quantity, price)
    if row.is_sound("qty", "price") and not (gross > 0 and checks.is_number(gross)):
        row.fault(
            "qty",
            "gross.underivable",
            "quantity times price is too small or too large to be kept; correct one of them",
        )
    return gross


def _raw(row: RowReader) -> str:
    """Return what a broker said, as JSON text that can be kept as a note."""
    given = row.fields("raw")
    text = _encoder.encode(given).decode() if given else ""
    if not checks.is_text(text):
        row.fault(
            "raw",
            "raw.unkeepable",
            f"as JSON it has more than {checks.TEXT_LENGTH_MAX} characters or a backslash, and is "
            "kept as it is or not at all; shorten it or leave it out",
        )
        return ""
    return text


TRADES: Door[UserTrade] = Door(
    "trades",
    "trades",
    _REQUIRED + _OPTIONAL,
    frozenset(_REQUIRED),
    Names.of(_REQUIRED + _OPTIONAL),
    _trade,
)
