"""How the client asks: periods, scopes and options as the routes take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tidebook.model.periods import period_named

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

Fields = dict[str, Any]


class When(NamedTuple):
    """As of which day, and with what was known at which instant; the newest where None."""

    as_of: date | None = None
    known_at: datetime | None = None

    def query(self) -> dict[str, object]:
        """Return it as parameters of an address."""
        told = None if self.known_at is None else self.known_at.isoformat()
        return {"as_of": self.as_of, "known_at": told}


NOW: Final = When()
"""The newest day, and all that is known."""


class Measuring(NamedTuple):
    """What is measured and how, where it is not the whole portfolio, now, and after fees."""

    when: When = NOW
    currency: str | None = None
    """In this currency; the portfolio's own where None."""
    is_gross: bool = False
    """Before fees."""
    security_id: str | None = None
    asset_class: str | None = None
    sector: str | None = None

    def scope(self) -> Fields:
        """Return it as the scope of a request."""
        as_of, known_at = self.when
        told = {
            "as_of_date": None if as_of is None else as_of.isoformat(),
            "known_at": None if known_at is None else known_at.isoformat(),
            "reporting_currency": self.currency,
            "net_or_gross": "GROSS" if self.is_gross else None,
            "security_id": self.security_id,
            "asset_class": self.asset_class,
            "sector": self.sector,
        }
        return {name: value for name, value in told.items() if value is not None}


class Several(NamedTuple):
    """Portfolios that are measured as one: those named, those of a client, or all of the book."""

    portfolio_ids: tuple[str, ...] = ()
    client_id: str | None = None
    """Instead of naming them: the client (``cif_id``) whose they are."""
    is_all: bool = False

    def scope(self) -> Fields:
        """Return it as a part of the scope of a request."""
        told: Fields = {"portfolio_ids": list(self.portfolio_ids)} if self.portfolio_ids else {}
        if self.client_id is not None:
            told["client_id"] = self.client_id
        return {**told, "all": True} if self.is_all else told


class BenchmarkGroup(NamedTuple):
    """A group of the benchmark of an attribution: its weight, and an index or a return of it."""

    group: str
    weight: float
    """As a fraction; all groups sum to 1."""
    benchmark: str | None = None
    """An index or a security whose levels tell the group's return."""
    total_return: float | None = None
    """The group's return over the period, as a fraction, instead of an index."""
    local_return: float | None = None
    """Beside it the return in local currency, where currency effects are asked for."""

    def fields(self) -> Fields:
        """Return it as a part of a request."""
        told = {
            "group": self.group,
            "weight": self.weight,
            "benchmark": self.benchmark,
            "return": self.total_return,
            "local_return": self.local_return,
        }
        return {name: value for name, value in told.items() if value is not None}


class Attributing(NamedTuple):
    """How an active return is taken apart."""

    by: str = "ASSET_CLASS"
    """``SECURITY``, ``ASSET_CLASS``, ``SECTOR`` or ``CURRENCY``."""
    model: str = "BRINSON_FACHLER"
    """Or ``BRINSON_HOOD_BEEBOWER``."""
    with_currency: bool = False
    """Whether the effect of rates stands by itself."""

    def options(self) -> Fields:
        """Return it as the options of a request."""
        told: Fields = {"by": self.by, "model": self.model}
        return {**told, "currency_effects": True} if self.with_currency else told


class Risking(NamedTuple):
    """What risk is measured against, and how often returns are taken."""

    benchmark: str | None = None
    """A benchmark, a security of the book, or a blend such as ``60% SPY + 40% AGG``."""
    frequency: str = "DAILY"
    risk_free_annual: float = 0.0
    """As a fraction."""
    target_annual: float = 0.0
    confidence: float = 0.99
    """Of the value at risk."""
    use_log_returns: bool = False
    """Whether ln(1 + r) scatters instead of r."""
    deviation: str = "SAMPLE"
    """``SAMPLE`` averages squares over n - 1, ``POPULATION`` over n."""

    def options(self) -> Fields:
        """Return it as the options of a request."""
        told: Fields = {
            "frequency": self.frequency,
            "risk_free_mode": "ANNUAL_RATE" if self.risk_free_annual else "ZERO",
            "mar_annual_rate": self.target_annual,
            "use_log_returns": self.use_log_returns,
            "deviation": self.deviation,
            "var": {"confidence": self.confidence},
        }
        if self.risk_free_annual:
            told["risk_free_annual_rate"] = self.risk_free_annual
        if self.benchmark is not None:
            told["benchmark"] = self.benchmark
        return told


def periods_of(words: Iterable[str], breakdown: str | None = None) -> list[Fields]:
    """Return periods as the routes take them, each named by its word.

    Raises:
        InvalidPeriodError: If a word is none of a name, a year, a length, or two days.
    """
    return [_period(word, breakdown) for word in words]


def _period(word: str, breakdown: str | None) -> Fields:
    found = period_named(word)
    told = {
        "type": found.type.value,
        "name": word,
        "from": None if found.start is None else found.start.isoformat(),
        "to": None if found.end is None else found.end.isoformat(),
        "year": found.year,
        "months": found.months,
        "days": found.days,
        "breakdown": breakdown,
    }
    return {name: value for name, value in told.items() if value is not None}
