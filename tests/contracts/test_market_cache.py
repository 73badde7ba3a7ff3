"""The market cache: never older than what the caller's transaction would read by itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg

from tests.fixtures.reader_rows import insert, introduce, move, write_price, write_rate
from tidebook.adapters.postgres.market_cache import MarketCache
from tidebook.book.series import priced_steps
from tidebook.model.instruments import Instrument
from tidebook.model.markets import NO_PRICES, PriceQuote

if TYPE_CHECKING:
    from psycopg import Cursor

    from tests.fixtures.reader_pg import Store
    from tidebook.model.markets import RateTable

MARCH_1, MARCH_3, MARCH_4 = date(2024, 3, 1), date(2024, 3, 3), date(2024, 3, 4)


def test_the_market_as_known_then_is_that_of_then_for_one_day_or_for_all(store: Store) -> None:
    recorded, corrected = datetime(2024, 3, 5, tzinfo=UTC), datetime(2024, 3, 7, tzinfo=UTC)
    between = datetime(2024, 3, 6, tzinfo=UTC)
    write_price(store, "ACME", MARCH_1, "10", at=recorded)
    write_price(store, "ACME", MARCH_4, "11", at=recorded)
    write_price(store, "ACME", MARCH_4, "12", "USD", at=corrected)
    write_rate(store, ("EUR", "USD"), MARCH_4, "1.10", at=recorded)
    write_rate(store, ("EUR", "USD"), MARCH_4, "1.20", at=corrected)
    cache, ids = MarketCache(), ["ACME", "NONE"]
    for known_at, price, rate in (
        (between, PriceQuote(MARCH_4, Decimal(11), "EUR"), Decimal("1.10")),
        (corrected, PriceQuote(MARCH_4, Decimal(12), "USD"), Decimal("1.20")),
    ):
        every = cache.markets_known(store.cursor(), ids, known_at=known_at)
        single = cache.markets_known(store.cursor(), ids, known_at=known_at, on=MARCH_4)
        assert every.prices["ACME"].as_of(MARCH_4) == price
        assert single.prices["ACME"].as_of(MARCH_4) == price
        assert rate_of(every.rates) == rate_of(single.rates) == rate
        assert every.prices["ACME"].days == (MARCH_1, MARCH_4)
    earlier = cache.markets_known(store.cursor(), ids, known_at=between, on=date(2024, 3, 3))
    assert earlier.prices["ACME"].as_of(date(2024, 3, 3)) == PriceQuote(MARCH_1, Decimal(10), "EUR")
    before = cache.markets_known(store.cursor(), ids, known_at=datetime(2024, 3, 4, tzinfo=UTC))
    assert before.prices["ACME"] == NO_PRICES
    assert rate_of(before.rates) is None


class Counting:
    """A cursor that counts its statements."""

    def __init__(self, cursor: Cursor[tuple[Any, ...]]) -> None:
        self._cursor = cursor
        self.statements = 0

    def execute(self, *args: Any) -> Cursor[tuple[Any, ...]]:  # noqa: ANN401 - passed through
        self.statements += 1
        return self._cursor.execute(*args)


def counting(store: Store) -> Any:  # noqa: ANN401 - stands for a cursor
    return Counting(store.cursor())


def test_prices_of_several_days_come_in_order_and_are_kept(
    store: Store,
) -> None:
    write_price(store, "ACME", MARCH_4, "11.50")
    write_price(store, "ACME", MARCH_1, "10")
    cache, first, second = MarketCache(), counting(store), counting(store)
    found = cache.prices(first, ["ACME", "NONE"])
    assert found["ACME"].days == (MARCH_1, MARCH_4)
    assert found["ACME"].as_of(date(2024, 3, 3)) == PriceQuote(MARCH_1, Decimal(10), "EUR")
    assert found["NONE"] == NO_PRICES
    assert cache.prices(second, ["ACME", "NONE"]) == found
    assert (first.statements, second.statements) == (2, 1)


def test_a_corrected_price_is_seen_at_once(store: Store) -> None:
    write_price(store, "ACME", MARCH_1, "10")
    cache = MarketCache()
    cache.vectors(store.cursor(), ["ACME"])
    write_price(store, "ACME", MARCH_1, "12.25")
    assert cache.prices(store.cursor(), ["ACME"])["ACME"].prices == (Decimal("12.25"),)
    vector = cache.vectors(store.cursor(), ["ACME"])["ACME"]
    assert vector is not None
    assert (vector.currency, vector.prices.integers, vector.prices.places) == ("EUR", (1225,), 2)


def test_prices_in_two_currencies_keep_each_its_own_and_have_no_vector(
    store: Store,
) -> None:
    write_price(store, "ACME", MARCH_1, "10", "EUR")
    write_price(store, "ACME", MARCH_4, "11", "USD")
    cache = MarketCache()
    assert cache.prices(store.cursor(), ["ACME"])["ACME"].currencies == ("EUR", "USD")
    assert cache.vectors(store.cursor(), ["ACME", "NONE"]) == {"ACME": None, "NONE": None}


def test_a_price_read_in_a_transaction_that_rolls_back_is_forgotten(
    store: Store,
) -> None:
    write_price(store, "ACME", MARCH_1, "10")
    cache = MarketCache()
    with store.transaction(force_rollback=True):
        write_price(store, "ACME", MARCH_1, "99")
        assert cache.prices(store.cursor(), ["ACME"])["ACME"].prices == (Decimal(99),)
    assert cache.prices(store.cursor(), ["ACME"])["ACME"].prices == (Decimal(10),)
    with store.transaction(force_rollback=True):
        write_price(store, "ACME", MARCH_1, "99")
        cache.prices(store.cursor(), ["ACME"])
    # The number of the version that was rolled back is given out again, to another price.
    write_price(store, "ACME", MARCH_1, "12")
    assert cache.prices(store.cursor(), ["ACME"])["ACME"].prices == (Decimal(12),)


def test_a_transaction_sees_its_own_snapshot_whatever_others_have_cached(
    store: Store,
    book_url: str,
) -> None:
    write_price(store, "ACME", MARCH_1, "10")
    write_rate(store, ("EUR", "USD"), MARCH_1, "1.10")
    cache = MarketCache()
    with psycopg.connect(book_url) as other:
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        before = cache.markets(other.cursor(), ["ACME"])
        write_price(store, "ACME", MARCH_1, "12")
        write_rate(store, ("EUR", "USD"), MARCH_4, "1.20")
        after = cache.markets(store.cursor(), ["ACME"])
        again = cache.markets(other.cursor(), ["ACME"])
    assert before.prices["ACME"].prices == again.prices["ACME"].prices == (Decimal(10),)
    assert after.prices["ACME"].prices == (Decimal(12),)
    assert rate_of(again.rates) == Decimal("1.10")
    assert rate_of(after.rates) == rate_of(cache.rates(store.cursor())) == Decimal("1.20")


def rate_of(rates: RateTable) -> Decimal | None:
    found = rates.rate("EUR", "USD", MARCH_4)
    return found.rate if found else None


def test_instruments_are_those_introduced_and_change_with_their_facts(
    store: Store,
) -> None:
    introduce(store, "ACME", "Acme SE")
    cache = MarketCache()
    assert cache.instruments(store.cursor(), ["ACME", "CASH_USD"]) == {
        "ACME": Instrument("ACME", "Acme SE", "EUR", "Equity", sector="Tools")
    }
    warm = counting(store)
    cache.instruments(warm, ["ACME", "CASH_USD"])
    assert warm.statements == 1
    store.execute("UPDATE instruments SET name = 'Acme AG'")
    move(store, "instruments")
    assert cache.instruments(store.cursor(), ["ACME"])["ACME"].name == "Acme AG"


def test_business_dates_come_in_order_and_a_new_one_is_seen(
    store: Store,
) -> None:
    cache = MarketCache()
    assert cache.business_dates(store.cursor()) == ()
    store.execute("INSERT INTO business_dates VALUES (%s, now()), (%s, now())", (MARCH_4, MARCH_1))
    move(store, "dates")
    assert cache.business_dates(store.cursor()) == (MARCH_1, MARCH_4)
    warm = counting(store)
    cache.business_dates(warm)
    assert warm.statements == 1


def test_markets_together_cost_one_statement_when_warm(store: Store) -> None:
    introduce(store, "ACME", "Acme SE")
    write_price(store, "ACME", MARCH_1, "10")
    cache, cold, warm = MarketCache(), counting(store), counting(store)
    found = cache.markets(cold, ["ACME", "CASH_USD"])
    again = cache.markets(warm, ["ACME", "CASH_USD"])
    assert found.prices == again.prices
    assert list(found.instruments) == list(again.instruments) == ["ACME"]
    assert (cold.statements, warm.statements) == (4, 1)


def test_the_least_recently_used_prices_leave_when_too_many_are_kept(
    store: Store,
) -> None:
    for security_id in ("A", "B", "C"):
        write_price(store, security_id, MARCH_1, "10")
    cache = MarketCache(points_max=2)
    for security_id in ("A", "B", "A", "C"):
        cache.prices(store.cursor(), [security_id])
    statements = {}
    for security_id in ("A", "C", "B"):
        counted = counting(store)
        cache.prices(counted, [security_id])
        statements[security_id] = counted.statements
    assert statements == {"A": 1, "C": 1, "B": 2}


def test_a_vector_is_the_same_as_made_from_the_quotes(store: Store) -> None:
    write_price(store, "ACME", MARCH_1, "0.000000000000000001")
    write_price(store, "ACME", MARCH_4, "12345678901234567890")
    cache = MarketCache()
    quotes = cache.prices(store.cursor(), ["ACME"])["ACME"]
    kept, fresh = cache.vectors(store.cursor(), ["ACME"])["ACME"], priced_steps(quotes)
    assert kept is not None
    assert fresh is not None
    assert kept.prices.integers == fresh.prices.integers == (1, 12345678901234567890 * 10**18)


def test_threads_that_share_a_cache_never_see_a_price_older_than_one_they_saw(
    store: Store, book_url: str
) -> None:
    write_price(store, "ACME", MARCH_1, "1")
    cache = MarketCache()

    def watch() -> list[Decimal]:
        with psycopg.connect(book_url, autocommit=True) as connection:
            cursor = connection.cursor()
            return [cache.prices(cursor, ["ACME"])["ACME"].prices[0] for _ in range(100)]

    with ThreadPoolExecutor(3) as threads:
        watching = [threads.submit(watch) for _ in range(3)]
        for price in range(2, 30):
            write_price(store, "ACME", MARCH_1, str(price))
        seen = [watched.result() for watched in watching]
    assert all(prices == sorted(prices) for prices in seen)
    assert cache.prices(store.cursor(), ["ACME"])["ACME"].prices == (Decimal(29),)


def write_split(store: Store, version: int, new_units: str, at: datetime) -> None:
    """Write a version of a split of ACME on 3 March; the older one is closed."""
    with store.transaction():
        store.execute(
            "UPDATE corporate_actions SET superseded_at = %s WHERE superseded_at = 'infinity'",
            (at,),
        )
        insert(
            store,
            "corporate_actions",
            action_id="S1",
            version=version,
            content_hash="",
            type="SPLIT",
            security_id="ACME",
            ex_date=MARCH_3,
            new_units=new_units,
            old_units="1",
            to_security_id="",
            cash_per_unit="0",
            cash_currency="",
            portfolio_id="",
            note="",
            recorded_at=at,
        )
        move(store, "actions")


def test_prices_are_carried_over_the_splits_of_now_or_of_then(store: Store) -> None:
    recorded, corrected = datetime(2024, 3, 5, tzinfo=UTC), datetime(2024, 3, 7, tzinfo=UTC)
    write_price(store, "ACME", MARCH_1, "12", at=recorded)
    cache = MarketCache()
    unsplit = cache.prices(store.cursor(), ["ACME"])["ACME"]
    assert unsplit.carried == ()
    write_split(store, 1, "2", recorded)
    write_split(store, 2, "3", corrected)
    cold, warm = counting(store), counting(store)
    assert cache.markets(cold, ["ACME"]).prices["ACME"].steps() == ((MARCH_1, MARCH_3), (12, 4))
    assert cache.prices(warm, ["ACME"])["ACME"].steps() == ((MARCH_1, MARCH_3), (12, 4))
    # The prices are not read again, and then nothing but the versions is.
    assert warm.statements == 1
    for known_at, price in (
        (datetime(2024, 3, 6, tzinfo=UTC), 6),
        (corrected, 4),
    ):
        every = cache.markets_known(store.cursor(), ["ACME"], known_at=known_at)
        single = cache.markets_known(store.cursor(), ["ACME"], known_at=known_at, on=MARCH_4)
        for found in (every, single):
            quote = found.prices["ACME"].as_of(MARCH_4)
            assert quote is not None
            assert (quote.on, quote.price) == (MARCH_1, price)


def test_a_split_read_in_a_transaction_that_rolls_back_is_forgotten(store: Store) -> None:
    write_price(store, "ACME", MARCH_1, "12")
    cache = MarketCache()
    with store.transaction(force_rollback=True):
        write_split(store, 1, "2", datetime(2024, 3, 5, tzinfo=UTC))
        assert cache.prices(store.cursor(), ["ACME"])["ACME"].steps()[1] == (12, 6)
    assert cache.prices(store.cursor(), ["ACME"])["ACME"].steps()[1] == (12,)
    # The number of the version that was rolled back is given out again, to another split.
    write_split(store, 1, "4", datetime(2024, 3, 5, tzinfo=UTC))
    assert cache.prices(store.cursor(), ["ACME"])["ACME"].steps()[1] == (12, 3)
    vector = cache.vectors(store.cursor(), ["ACME"])["ACME"]
    assert vector is not None
    assert (vector.prices.integers[-1], vector.prices.places) == (3, 0)
