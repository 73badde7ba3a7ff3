"""Prices and exchange rates: facts, which explain themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.derivation import Source, SourceKind, given
from tidebook.engine.explaining.answers import Drawn
from tidebook.errors import UnknownSubjectError
from tidebook.model.markets import NO_PRICES

if TYPE_CHECKING:
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.figure_reader import FigureReader


def explain_market(reader: FigureReader, question: Question, figure: Figure) -> Drawn:
    """Return a price or a rate as it was reported for a day.

    Raises:
        UnknownSubjectError: If none was reported for exactly that day.
    """
    on, security_id = question.day, question.security_id or ""
    if on is None:
        raise UnknownSubjectError("a day", None)
    if figure.name == "price":
        market = reader.markets([security_id], known_at=question.known_at)
        quote = market.prices.get(security_id, NO_PRICES).as_of(on)
        if quote is None or quote.on != on:
            raise UnknownSubjectError(f"a price of {security_id!r} on {on}", None)
        source = Source(SourceKind.PRICE, security_id, on)
        node = given(f"price of {security_id} on {on}", quote.price, quote.currency, source)
        return Drawn(None, None, node)
    pair = question.from_currency or "", question.to_currency or ""
    rates = reader.markets([], known_at=question.known_at).rates
    quoted = rates.last_quote(*pair, on)
    name = "/".join(pair)
    if quoted is None or quoted.on != on:
        raise UnknownSubjectError(f"a rate {name} of {on}", None)
    source = Source(SourceKind.RATE, name, on)
    return Drawn(None, None, given(f"rate {name} of {on}", quoted.value, "", source))
