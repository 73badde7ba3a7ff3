"""What rules look at: a trade, the account it was made in, and how the account stood then."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from tidebook.model.money import ONE, ZERO
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from decimal import Decimal

_EXCHANGE_ZONE = ZoneInfo("America/New_York")


class Side(StrEnum):
    """Which way a trade goes; what it opens or closes follows from what was held."""

    BUY = "buy"
    SELL = "sell"


class AssetClass(StrEnum):
    """The kinds of things that rules tell apart."""

    SECURITY = "security"
    """Stocks, funds, bonds: what the rules on securities are about."""
    OPTION = "option"
    CRYPTO = "crypto"
    """A coin held outright; rules on securities do not reach it."""
    FUTURE = "future"


# A member asked of its class takes as long as all the rest of a comparison.
_BUY: Final = Side.BUY
_OPTION: Final = AssetClass.OPTION


class Trade(NamedTuple):
    """One execution, booked or supposed.

    ``on`` is its trading day on the exchange. One unit is traded at ``price`` in ``currency`` and
    is worth ``price`` times ``multiplier``; ``rate`` is what one unit of that currency is worth in
    the account's, and None where that is not known. ``order_id`` is the same for all legs of one
    order; an empty one says nothing.
    """

    trade_id: str
    account_id: str
    security_id: str
    side: Side
    quantity: Decimal
    price: Decimal
    on: date
    at: datetime | None = None
    currency: str = "USD"
    rate: Decimal | None = ONE
    multiplier: Decimal = ONE
    asset_class: AssetClass = AssetClass.SECURITY
    order_id: str = ""

    @property
    def signed(self) -> Decimal:
        """The quantity, negative for a sale."""
        return self.quantity if self.side is _BUY else -self.quantity


class AccountType(StrEnum):
    """How an account may borrow."""

    CASH = "cash"
    MARGIN = "margin"
    PORTFOLIO_MARGIN = "portfolio_margin"


class DayTradeRegime(StrEnum):
    """Which standard for trading within a day a broker applies to an account."""

    LEGACY_PDT = "legacy_pdt"
    """The pattern day trader rule, FINRA 4210(f)(8)(B), in force to 2026-06-03."""
    INTRADAY_MARGIN = "intraday_margin"
    """The intraday margin standard, FINRA 4210(d)(2), from 2026-06-04."""


class BrokerPolicy(NamedTuple):
    """What a broker does where rules leave it the choice, and the day it was confirmed on.

    ``params`` replace those of the rule set in force, named ``rule_id.parameter``.
    """

    account_id: str
    day_trade_regime: DayTradeRegime | None = None
    confirmed_on: date | None = None
    params: Mapping[str, Decimal] = {}


class UserLimit(NamedTuple):
    """A limit on single trades that the owner of an account has set, as data.

    A trade of more than ``max_value`` in the account's currency, or of more than ``max_quantity``
    units, is in breach. Without symbols it holds for every security.
    """

    limit_id: str
    max_value: Decimal | None = None
    max_quantity: Decimal | None = None
    symbols: tuple[str, ...] = ()
    blocks: bool = False
    """Whether a breach fails instead of flagging."""


class Restriction(NamedTuple):
    """A security that may not be bought, and why."""

    security_id: str
    why: str = ""
    closing_allowed: bool = True


class DayTraderReset(NamedTuple):
    """That a broker has taken the designation of a pattern day trader back, from a day on.

    ``actor`` acknowledged it, and ``reason`` says on what ground.
    """

    on: date
    actor: str
    reason: str


class DayTraderTerms(NamedTuple):
    """What is stated of an account as one of a pattern day trader.

    ``designated_on`` is the day on which the broker designated it, whatever was traded; ``resets``
    are the days on which it took the designation back.
    """

    designated_on: date | None = None
    resets: tuple[DayTraderReset, ...] = ()


NO_DAY_TRADER_TERMS = DayTraderTerms()


class SecurityTerms(NamedTuple):
    """What an owner states of a security that its instrument does not say.

    Securities of one ``issuer`` count as one position. A leveraged fund moves ``leverage_factor``
    times as far as its index. What is not ``is_marginable`` has to be paid in full. ``delta`` is
    how far an option moves for one unit of its underlying, negative for a put that is held.
    """

    issuer: str = ""
    leverage_factor: Decimal = ONE
    is_marginable: bool = True
    delta: Decimal | None = None
    is_section_1256: bool = False


class Account(NamedTuple):
    """An account as rules see it. Money of its trades is judged in ``currency``.

    ``keeps_cash`` says that its cash is in the book. Where it is not, its equity is at least what
    it holds; ``equity_elsewhere`` is what its owner says there is beside that.
    """

    account_id: str
    type: AccountType = AccountType.MARGIN
    jurisdiction: str = "US"
    currency: str = "USD"
    policy: BrokerPolicy | None = None
    limits: tuple[UserLimit, ...] = ()
    restricted: tuple[Restriction, ...] = ()
    keeps_cash: bool = True
    equity_elsewhere: Decimal | None = None
    day_trader: DayTraderTerms = NO_DAY_TRADER_TERMS
    securities: Mapping[str, SecurityTerms] = {}

    @property
    def is_floor(self) -> bool:
        """Whether the equity that the book knows may be less than the account's."""
        return not self.keeps_cash and self.equity_elsewhere is None


class Known(NamedTuple):
    """A figure, or the reason why it is undefined."""

    value: Decimal | None
    why: str = ""


UNKNOWN = Known(None, "it is not known")


class Position(NamedTuple):
    """What is held of one security: units, and the worth of one in the account's currency."""

    security_id: str
    quantity: Decimal
    unit_value: Decimal | None
    issuer: str = ""
    sector: str = ""
    asset_class: AssetClass = AssetClass.SECURITY
    leverage_factor: Decimal = ONE
    """How many times a leveraged fund moves for its index."""
    is_marginable: bool = True
    delta_value: Known | None = None
    """What one unit moves like, by a delta that the owner stated; None where none was."""

    @property
    def limited_value(self) -> Decimal | None:
        """What one unit counts as against a limit on positions: by its delta, or its price."""
        return self.unit_value if self.delta_value is None else self.delta_value.value


class Rest(NamedTuple):
    """What an account holds beside the security that is traded, as far as it has a price.

    ``plain`` is the worth of ``plain_count`` positions that all count alike: long, marginable, and
    neither options nor leveraged funds. ``others`` are those that are looked at one by one.
    """

    plain: Decimal = ZERO
    plain_count: int = 0
    others: tuple[Position, ...] = ()


class Beside(NamedTuple):
    """What an account holds beside the security that is traded: longs and shorts, both positive.

    ``unpriced`` are those without a price: what they are worth is in neither sum.
    """

    long_value: Decimal
    short_value: Decimal
    unpriced: tuple[str, ...]
    rest: Rest


class Standing(NamedTuple):
    """An account as a trade found it.

    ``equity`` counts what came in with the trade; ``equity_prev_close`` is the worth of the
    account at the close of the session before. Positions are those before the trade. Who knows it
    tells the position in the traded security, which there may be nothing of, and what all others
    come to.
    """

    positions: Mapping[str, Position]
    equity: Known = UNKNOWN
    equity_prev_close: Known = UNKNOWN
    traded: Position | None = None
    beside: Beside | None = None


class Exposure(NamedTuple):
    """What an account holds after a trade, valued: longs and shorts, both positive.

    The traded security counts at the trade's price, all others at their last; ``before`` are the
    positions before the trade. ``unpriced`` are those without a price: what they are worth is in
    neither sum.

    ``unit`` is what one unit is worth at the trade's price, in the account's currency, and None
    without a rate. ``held`` are the units that were held before, and ``only_reduces`` says that the
    trade brings them nearer to nothing and not past it. ``missing`` is what a rule on values lacks;
    nothing where all is known.
    """

    traded: Position
    before: Mapping[str, Position]
    long_value: Decimal
    short_value: Decimal
    unpriced: tuple[str, ...]
    rest: Rest
    unit: Decimal | None
    held: Decimal
    only_reduces: bool
    missing: str

    @property
    def positions(self) -> dict[str, Position]:
        """All positions after the trade, by security."""
        return {**self.before, self.traded.security_id: self.traded}


def exposure_after(trade: Trade, standing: Standing) -> Exposure:
    """Return what an account holds once a trade is done."""
    known = traded_before(trade, standing)
    name, before, _, issuer, *others = known
    unit = unit_worth(trade)
    quantity = before + trade.signed
    price = known.unit_value if unit is None else unit
    traded = made(Position, (name, quantity, price, issuer, *others))
    long_value, short_value, unpriced, rest = beside_of(trade, standing)
    if quantity and price is None:
        unpriced = (*unpriced, name)
    elif quantity < ZERO:
        short_value -= quantity * (price or ZERO)
    elif quantity:
        long_value += quantity * (price or ZERO)
    return made(
        Exposure,
        (
            traded,
            standing.positions,
            long_value,
            short_value,
            unpriced,
            rest,
            unit,
            before,
            only_reduces(trade, before),
            _missing(unit, standing.equity, unpriced),
        ),
    )


def _missing(unit: Decimal | None, equity: Known, unpriced: tuple[str, ...]) -> str:
    """Return what a rule on values lacks; nothing where all is known."""
    if unit is None:
        return "no exchange rate brings the trade into the account's currency"
    if equity.value is None:
        return f"the equity is missing: {equity.why}"
    if unpriced:
        return f"no price is known of {', '.join(sorted(unpriced))}"
    return ""


def traded_before(trade: Trade, standing: Standing) -> Position:
    """Return what was held of the traded security before, which may be nothing."""
    return (
        standing.traded
        or standing.positions.get(trade.security_id)
        or Position(trade.security_id, ZERO, None, asset_class=trade.asset_class)
    )


def beside_of(trade: Trade, standing: Standing) -> Beside:
    """Return what was held before a trade beside the traded security."""
    if standing.beside is not None:
        return standing.beside
    positions = standing.positions.values()
    return beside_with(one for one in positions if one.security_id != trade.security_id)


def beside_with(
    positions: Iterable[Position], plain: Decimal = ZERO, plain_count: int = 0
) -> Beside:
    """Return what positions come to together, and so many others that count alike.

    Rules are run inside an exact context; so is this.
    """
    long_value, short_value = plain, ZERO
    unpriced: list[str] = []
    others: list[Position] = []
    for position in positions:
        security_id, quantity, price, *_ = position
        if not quantity:
            continue
        if price is None:
            unpriced.append(security_id)
            continue
        value = quantity * price
        if quantity < ZERO:
            short_value -= value
        else:
            long_value += value
        if counts_alike(position):
            plain += value
            plain_count += 1
        else:
            others.append(position)
    rest = Rest(plain, plain_count, tuple(others))
    return Beside(long_value, short_value, tuple(unpriced), rest)


def counts_alike(position: Position) -> bool:
    """Tell whether a position counts as most do: by its price alone (:class:`Rest`)."""
    _, quantity, price, _, _, kind, factor, is_marginable, _ = position
    return (
        price is not None
        and quantity > ZERO
        and is_marginable
        and factor is ONE
        and kind is not _OPTION
    )


def exchange_day(at: datetime) -> date:
    """Return the day of an instant in New York, where extended hours belong to the same day.

    >>> from datetime import UTC, datetime
    >>> str(exchange_day(datetime(2025, 6, 3, 1, 30, tzinfo=UTC)))  # 21:30 of the evening before
    '2025-06-02'
    """
    found = at.astimezone(UTC)
    return _exchange_day(found.date(), found.hour)


@lru_cache(maxsize=4096)
def _exchange_day(on: date, hour: int) -> date:
    """Return the day in New York in an hour of Greenwich: the two are whole hours apart."""
    at = datetime(on.year, on.month, on.day, hour, tzinfo=UTC)
    return at.astimezone(_EXCHANGE_ZONE).date()


def unit_worth(trade: Trade) -> Decimal | None:
    """Return what one unit is worth at the trade's price, in the account's currency.

    Rules are run inside an exact context; so is this.
    """
    return None if trade.rate is None else trade.price * trade.multiplier * trade.rate


def held_before(trade: Trade, standing: Standing) -> Decimal:
    """Return the units of the traded security that were held before; negative when short."""
    position = standing.traded or standing.positions.get(trade.security_id)
    return ZERO if position is None else position.quantity


def only_reduces(trade: Trade, held: Decimal) -> bool:
    """Tell whether a trade brings a position nearer to nothing and not past it."""
    if trade.side is _BUY:
        return held < ZERO and trade.quantity <= -held
    return held > ZERO and trade.quantity <= held


def opened_quantity(trade: Trade, held: Decimal) -> Decimal:
    """Return how many units of a trade open or increase a position instead of closing one."""
    opposite = -held if trade.side is _BUY else held
    return trade.quantity - min(trade.quantity, max(opposite, ZERO))
