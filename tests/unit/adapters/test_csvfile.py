"""Whole files: what is taken, what is refused, and which line is named for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tidebook.adapters.csvfile import LAYOUTS, FileKind, ParsedFile, parse, read_file
from tidebook.cli.demo_facts import demo_requests
from tidebook.errors import UnreadableFileError

if TYPE_CHECKING:
    from pathlib import Path

    from tidebook.adapters.csvfile import RowFault

PRICES = "security_id,price_date,price,currency\n"
TRADES = (
    "transaction_id,portfolio_id,security_id,transaction_date,transaction_type,quantity,price,"
    "gross_transaction_amount,trade_currency\n"
)
BOUGHT = "T1,P1,ACME,2024-03-01T15:30:00Z,BUY,10,12.50,125.00,EUR\n"


def parsed(text: str) -> ParsedFile:
    return parse(text.encode())


def only_fault(text: str) -> RowFault:
    (fault,) = parsed(text).faults
    return fault


def test_a_transaction_becomes_the_body_of_its_route() -> None:
    file = parsed(
        "transaction_id,portfolio_id,instrument_id,security_id,transaction_date,transaction_type,"
        "quantity,price,gross_transaction_amount,trade_currency,currency,trade_fee,settlement_date\n"
        "T1,P1,ACME-I,ACME,2024-03-01T15:30:00+01:00,buy,10,12.50,125.00,eur,EUR,1.5,2024-03-05\n"
    )

    assert file.faults == []
    assert file.kind is FileKind.TRANSACTIONS
    assert [(row.line, row.body) for row in file.rows] == [
        (
            2,
            {
                "transaction_id": "T1",
                "portfolio_id": "P1",
                "instrument_id": "ACME-I",
                "security_id": "ACME",
                "transaction_date": "2024-03-01T15:30:00+01:00",
                "transaction_type": "BUY",
                "quantity": "10",
                "price": "12.50",
                "gross_transaction_amount": "125.00",
                "trade_currency": "EUR",
                "currency": "EUR",
                "trade_fee": "1.5",
                "settlement_date": "2024-03-05",
            },
        )
    ]


def test_what_a_transaction_need_not_say_is_filled_in() -> None:
    (row,) = parsed(TRADES + BOUGHT).rows

    assert row.body["instrument_id"] == "ACME"
    assert row.body["currency"] == "EUR"
    assert row.body["trade_fee"] == "0"
    assert "settlement_date" not in row.body


def test_the_currency_alone_serves_as_trade_currency() -> None:
    (row,) = parsed((TRADES + BOUGHT).replace("trade_currency", "currency")).rows

    assert row.body["trade_currency"] == "EUR"


@pytest.mark.parametrize(
    ("kind", "header", "line", "body"),
    [
        (
            FileKind.PRICES,
            "securityId,priceDate,price,currency",
            "ACME,2024-03-01,12.50,EUR",
            {
                "security_id": "ACME",
                "price_date": "2024-03-01",
                "price": "12.50",
                "currency": "EUR",
            },
        ),
        (
            FileKind.RATES,
            "fromCurrency,toCurrency,rateDate,rate",
            "EUR,USD,2024-03-01,1.0830",
            {
                "from_currency": "EUR",
                "to_currency": "USD",
                "rate_date": "2024-03-01",
                "rate": "1.0830",
            },
        ),
        (
            FileKind.INSTRUMENTS,
            "securityId,name,isin,instrumentCurrency,productType,assetClass,sector",
            '"ACME","Acme, Inc.",,EUR,EQUITY,EQUITY,Industrials',
            {
                "security_id": "ACME",
                "name": "Acme, Inc.",
                "instrument_currency": "EUR",
                "product_type": "EQUITY",
                "asset_class": "EQUITY",
                "sector": "Industrials",
            },
        ),
        (
            FileKind.PORTFOLIOS,
            "Portfolio ID,Base Currency,Open Date,Is Leverage Allowed,Time Zone",
            "P1,EUR,2024-01-01,No,Europe/Berlin",
            {
                "portfolio_id": "P1",
                "base_currency": "EUR",
                "open_date": "2024-01-01",
                "is_leverage_allowed": "false",
                "time_zone": "Europe/Berlin",
            },
        ),
    ],
)
def test_the_header_tells_the_kind(
    kind: FileKind, header: str, line: str, body: dict[str, str]
) -> None:
    file = parsed(f"{header}\n{line}\n")

    assert file.faults == []
    assert file.kind is kind
    assert [row.body for row in file.rows] == [body]


def test_a_layout_knows_the_route_of_its_rows() -> None:
    assert {(layout.path, layout.body_key) for layout in LAYOUTS.values()} == {
        ("/ingest/transactions", "transactions"),
        ("/ingest/market-prices", "market_prices"),
        ("/ingest/fx-rates", "fx_rates"),
        ("/ingest/instruments", "instruments"),
        ("/ingest/portfolios", "portfolios"),
        ("/ingest/corporate-actions", "corporate_actions"),
        ("/ingest/cancellations", "cancellations"),
        ("/ingest/balance-assertions", "balance_assertions"),
    }


def test_layouts_name_the_fields_that_the_demo_posts() -> None:
    # The demo writes the routes' bodies independently, half of them in camel case.
    posted = {request.path: next(iter(request.body.values()))[0] for request in demo_requests()}
    for layout in (layout for layout in LAYOUTS.values() if layout.path in posted):
        known = {column.name.replace("_", "") for column in layout.columns}
        assert {name.replace("_", "").lower() for name in posted[layout.path]} <= known


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"{PRICES}ÄCME,2024-03-01,12.50,EUR\n".encode(), id="plain"),
        pytest.param(f"{PRICES}ÄCME,2024-03-01,12.50,EUR\n".encode("utf-8-sig"), id="utf-8 mark"),
        pytest.param(f"{PRICES}ÄCME,2024-03-01,12.50,EUR\n".encode("utf-16"), id="utf-16 mark"),
        pytest.param(
            b"\xfe\xff" + f"{PRICES}ÄCME,2024-03-01,12.50,EUR\n".encode("utf-16-be"),
            id="utf-16 big end first",
        ),
        pytest.param(
            "security_id;price_date;price;currency\nÄCME;01.03.2024;12,50;EUR\n".encode(),
            id="semicolons",
        ),
        pytest.param(
            "security_id\tprice_date\tprice\tcurrency\nÄCME\t1.3.2024\t12.50\teur\n".encode(),
            id="tabs",
        ),
        pytest.param(
            "sep=;\r\nsecurity_id;price_date;price;currency\r\nÄCME;01.03.2024;12,50;EUR\r\n".encode(),
            id="delimiter declared",
        ),
        pytest.param(f"{PRICES}ÄCME,2024-03-01,12.50,EUR".encode(), id="no last line end"),
        pytest.param(f"\n{PRICES}\nÄCME,2024-03-01,12.50,EUR\n\n , ,,\n\n".encode(), id="blanks"),
        pytest.param(
            f"{PRICES}ÄCME,2024-03-01,12.50,EUR\n".replace("\n", "\r").encode(), id="lone returns"
        ),
        pytest.param(
            b"security_id,price_date,price,currency,,\n\xc3\x84CME,2024-03-01,12.50,EUR,,\n",
            id="empty columns at the end",
        ),
        pytest.param(f'{PRICES}"ÄCME","2024-03-01","12.50","EUR"\n'.encode(), id="quoted"),
    ],
)
def test_one_price_in_many_dresses(content: bytes) -> None:
    file = parse(content)

    assert file.faults == []
    assert [row.body for row in file.rows] == [
        {"security_id": "ÄCME", "price_date": "2024-03-01", "price": "12.50", "currency": "EUR"}
    ]


def test_quoted_cells_hold_delimiters_quotes_and_line_ends() -> None:
    file = parsed(
        "security_id,name,instrument_currency,product_type\r\n"
        'A1,"Acme ""Old"", Inc.\r\nSeries B",EUR,EQUITY\r\n'
        'A2,5" pipe,EUR,EQUITY\r\n'
    )

    assert file.faults == []
    assert [(row.line, row.body["name"]) for row in file.rows] == [
        (2, 'Acme "Old", Inc.\nSeries B'),
        (4, '5" pipe'),
    ]
    assert file.rows[0].text == 'A1,"Acme ""Old"", Inc.\nSeries B",EUR,EQUITY'


def test_a_faulty_row_is_named_and_the_others_are_taken() -> None:
    file = parsed(
        f"{PRICES}ACME,2024-03-01,12.50,EUR\nACME,2024-02-30,12.x,EU-R\nACME,2024-03-04,12.75,EUR\n"
    )

    assert [row.line for row in file.rows] == [2, 4]
    assert [(fault.line, fault.column, fault.what) for fault in file.faults] == [
        (3, "price_date", "'2024-02-30' is not a day of the calendar"),
        (3, "price", "'12.x' is not a number"),
        (3, "currency", "'EU-R' is not a currency code"),
    ]
    assert {fault.text for fault in file.faults} == {"ACME,2024-02-30,12.x,EU-R"}
    assert all(fault.remedy for fault in file.faults)


def test_a_required_cell_is_not_left_empty() -> None:
    fault = only_fault(f"{PRICES}ACME,2024-03-01,  ,EUR\n")

    assert (fault.line, fault.column, fault.what) == (2, "price", "the cell is empty")


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("ACME,2024-03-01,12.50", "the row has 3 cells, the header 4"),
        ("ACME,2024-03-01,12,50,EUR", "the row has 5 cells, the header 4"),
    ],
)
def test_a_row_has_as_many_cells_as_the_header(row: str, what: str) -> None:
    fault = only_fault(f"{PRICES}{row}\n")

    assert (fault.line, fault.column, fault.what, fault.text) == (2, "", what, row)


def test_a_comma_too_many_is_explained() -> None:
    assert "needs quotes" in only_fault(f"{PRICES}ACME,2024-03-01,12,50,EUR\n").remedy


def test_a_file_that_ends_inside_a_row_is_said_to() -> None:
    file = parsed(f"{PRICES}ACME,2024-03-01,12.50,EUR\nACME,2024-03-0")

    assert [row.line for row in file.rows] == [2]
    (fault,) = file.faults
    assert (fault.line, fault.text) == (3, "ACME,2024-03-0")
    assert fault.what == "the file ends inside this row, after 2 of 4 cells"


def test_a_quote_that_is_never_closed_is_named_where_it_opened() -> None:
    file = parsed(f'{PRICES}A,2024-03-01,1,EUR\n"B,2024-03-01,1,EUR\nC,2024-03-01,1,EUR\n')

    assert [row.body["security_id"] for row in file.rows] == ["A"]
    (fault,) = file.faults
    assert (fault.line, fault.text) == (3, '"B,2024-03-01,1,EUR')
    assert fault.what == (
        "a quote opened on this line is never closed; nothing from here on was read"
    )


def test_a_quote_that_opens_lines_below_its_row_is_named_there() -> None:
    fault = only_fault(f'{PRICES}"A\nB",2024-03-01,"1\n,EUR\n')

    assert (fault.line, fault.text) == (3, 'B",2024-03-01,"1')


def test_a_quote_closed_in_another_row_does_not_join_the_two() -> None:
    file = parsed(f'{PRICES}"A,2024-03-01,1,EUR\n"B",2024-03-01,1,EUR\n')

    assert file.rows == []
    (fault,) = file.faults
    assert fault.line == 2
    assert "closes on line 3 in the middle of a cell" in fault.what


def test_an_unknown_column_is_reported_and_the_rows_are_read() -> None:
    file = parsed("security_id,price_date,price,currency,venue\nACME,2024-03-01,12.50,EUR,Xetra\n")

    assert len(file.rows) == 1
    (fault,) = file.faults
    assert (fault.line, fault.column) == (1, "venue")
    assert fault.what == "'venue' is not a column of a prices file; its cells were not read"


def test_a_column_given_twice_leaves_no_row_readable() -> None:
    file = parsed("securityId,security_id,price_date,price,currency\nA,B,2024-03-01,12.50,EUR\n")

    assert file.rows == []
    assert [fault.column for fault in file.faults] == ["security_id"]


def test_a_header_of_no_kind_is_compared_with_the_nearest() -> None:
    file = parsed("security_id,price_date,close\nACME,2024-03-01,12.50\n")

    assert (file.kind, file.rows) == (None, [])
    (fault,) = file.faults
    assert fault.what == (
        "the header is of no kind of file; for prices, the nearest, it lacks price, currency"
    )


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"sep=;\n"])
def test_an_empty_file_is_called_empty(content: bytes) -> None:
    file = parse(content)

    assert (file.kind, file.rows) == (None, [])
    assert [fault.what for fault in file.faults] == ["the file is empty"]


def test_a_header_alone_is_a_file_without_rows() -> None:
    assert parsed(PRICES) == ParsedFile(FileKind.PRICES, [], [])


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (PRICES.encode() + b"\xc4CME,2024-03-01,1,EUR\n", 2, "the text is not UTF-8"),
        (b"\xff\xfea\x00\n\x00b", 2, "the text is not UTF-16"),
        (
            PRICES.encode("utf-16-le"),
            1,
            "the text holds zero bytes, as UTF-16 without its byte order mark does",
        ),
    ],
)
def test_an_unknown_encoding_is_not_guessed(content: bytes, line: int, what: str) -> None:
    file = parse(content)

    assert (file.kind, file.rows) == (None, [])
    assert [(fault.line, fault.what) for fault in file.faults] == [(line, what)]


def test_two_rows_that_contradict_each_other_are_not_both_taken() -> None:
    file = parsed(TRADES + BOUGHT + BOUGHT.replace("125.00", "126.00"))

    assert [row.line for row in file.rows] == [2]
    (fault,) = file.faults
    assert (fault.line, fault.column) == (3, "transaction_id")
    assert fault.what == "T1 is on line 2 already, with other content"


def test_the_same_row_twice_is_passed_on_for_the_book_to_count() -> None:
    file = parsed(TRADES + BOUGHT + BOUGHT)

    assert file.faults == []
    assert [row.line for row in file.rows] == [2, 3]


def test_sixty_digits_are_kept_to_the_last() -> None:
    digits = "9" * 30 + "." + "1" * 30
    (row,) = parsed(f"{PRICES}ACME,2024-03-01,{digits},EUR\n").rows

    assert row.body["price"] == digits


def test_a_file_is_read_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(f"{PRICES}ACME,2024-03-01,12.50,EUR\n".encode())

    assert read_file(path) == parsed(f"{PRICES}ACME,2024-03-01,12.50,EUR\n")


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"absent\.csv cannot be read: No such file"):
        read_file(tmp_path / "absent.csv")


STATED = "portfolio_id,security_id,assertion_date,quantity\n"


def test_assertions_are_known_by_what_they_speak_of_unless_they_bring_an_id() -> None:
    rows = parse(f"{STATED}P1,ACME,28.03.2024,12.50\nP1,CASH_USD,2024-03-28,-3\n".encode()).rows
    assert [row.body for row in rows] == [
        {
            "assertion_id": "P1:ACME:2024-03-28",
            "portfolio_id": "P1",
            "security_id": "ACME",
            "assertion_date": "2024-03-28",
            "quantity": "12.50",
        },
        {
            "assertion_id": "P1:CASH_USD:2024-03-28",
            "portfolio_id": "P1",
            "security_id": "CASH_USD",
            "assertion_date": "2024-03-28",
            "quantity": "-3",
        },
    ]
    named = parse(b"assertion_id," + STATED.encode() + b"A7,P1,ACME,2024-03-28,1\n").rows
    assert [row.body["assertion_id"] for row in named] == ["A7"]


def test_two_quantities_for_one_security_and_day_contradict_each_other() -> None:
    file = parse(f"{STATED}P1,ACME,2024-03-28,1\nP1,ACME,2024-03-28,2\n".encode())
    assert len(file.rows) == 1
    (fault,) = file.faults
    assert fault.what == "P1:ACME:2024-03-28 is on line 2 already, with other content"


def test_a_header_of_another_kind_than_the_one_named_is_a_fault() -> None:
    content = f"{PRICES}ACME,2024-03-01,12.50,EUR\n".encode()
    assert parse(content, FileKind.PRICES).rows
    file = parse(content, FileKind.ASSERTIONS)
    assert (file.kind, file.rows) == (None, [])
    assert (
        "the header is not of the kind asked for; for assertions it lacks portfolio_id"
        in file.faults[0].what
    )
