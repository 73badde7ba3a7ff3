"""Assigned ids: stable for the same file, apart for identical fills, blind to spelling."""

from __future__ import annotations

import re

from tidebook.adapters.csvfile import parse

HEADER = (
    "portfolio_id,security_id,transaction_date,transaction_type,quantity,price,"
    "gross_transaction_amount,trade_currency\n"
)
FILL = "P1,ACME,2024-03-01T15:30:00Z,BUY,10,12.50,125.00,EUR\n"
OTHER = "P1,ACME,2024-03-01T15:30:00Z,BUY,11,12.50,137.50,EUR\n"


def ids(text: str) -> list[str]:
    file = parse(text.encode())
    assert file.faults == []
    return [row.body["transaction_id"] for row in file.rows]


def test_an_assigned_id_has_a_hash_and_a_count() -> None:
    assert re.fullmatch(r"csv-[0-9a-f]{12}-1", ids(HEADER + FILL)[0])


def test_the_hash_is_the_documented_one() -> None:
    # The fields of docs/reference/csv.md with "|" for the unit separator, as sha256sum has them:
    # currency=EUR|gross_transaction_amount=125|instrument_id=ACME|portfolio_id=P1|price=12.5|
    # quantity=10|security_id=ACME|trade_currency=EUR|trade_fee=0|
    # transaction_date=2024-03-01T15:30:00+00:00|transaction_type=BUY
    assert ids(HEADER + FILL) == ["csv-1a50fcf71422-1"]


def test_identical_fills_in_one_file_stay_apart() -> None:
    first, second, other, third = ids(HEADER + FILL + FILL + OTHER + FILL)

    stem = first.removesuffix("-1")
    assert (second, third) == (f"{stem}-2", f"{stem}-3")
    assert not other.startswith(stem)


def test_the_same_file_again_names_the_same_transactions() -> None:
    assert ids(HEADER + FILL + OTHER + FILL) == ids(HEADER + FILL + OTHER + FILL)


def test_rows_in_another_order_keep_their_ids() -> None:
    assert sorted(ids(HEADER + FILL + OTHER + FILL)) == sorted(ids(HEADER + OTHER + FILL + FILL))


def test_a_longer_export_keeps_the_ids_of_its_earlier_rows() -> None:
    assert ids(HEADER + FILL + FILL) == ids(HEADER + FILL + FILL + OTHER)[:2]


def test_spelling_does_not_make_another_transaction() -> None:
    european = (
        HEADER.replace(",", ";") + "P1;ACME;01.03.2024 16:30:00+01:00;buy;10,00;12,5;0125;eur\n"
    )

    assert ids(european) == ids(HEADER + FILL)


def test_saying_what_is_filled_in_anyway_changes_nothing() -> None:
    spelt_out = HEADER.replace("\n", ",trade_fee,instrument_id\n") + FILL.replace(
        "\n", ",0.00,ACME\n"
    )

    assert ids(spelt_out) == ids(HEADER + FILL)


def test_any_other_content_is_another_transaction() -> None:
    variants = [
        FILL,
        FILL.replace("P1", "P2"),
        FILL.replace("ACME", "ACNE"),
        FILL.replace("15:30:00", "15:30:01"),
        FILL.replace("BUY", "SELL"),
        FILL.replace("10,", "100,"),
        FILL.replace("12.50", "12.05"),
        FILL.replace("125.00", "-125.00"),
        FILL.replace("EUR", "USD"),
    ]

    assert len({ids(HEADER + variant)[0] for variant in variants}) == len(variants)


def test_an_id_of_the_file_s_own_is_kept() -> None:
    mixed = HEADER.replace("portfolio_id", "transaction_id,portfolio_id", 1)

    own, assigned = ids(f"{mixed}T1,{FILL},{FILL}")
    assert own == "T1"
    assert assigned == ids(HEADER + FILL)[0]


def test_chosen_lots_are_content_whatever_their_spelling() -> None:
    header = HEADER.replace("\n", ",lots\n")
    sale = "P1,ACME,2024-03-01,SELL,10,12.50,125.00,EUR,"
    (chosen,) = ids(f"{header}{sale}T-1=10\n")
    assert ids(f"{header}{sale}T-1 = 010.0\n") == [chosen]
    assert ids(f"{header}{sale}T-2=10\n") != [chosen]
    assert ids(f"{header}{sale}\n") != [chosen]
