"""What holds for every CSV file, not only for those that somebody thought of."""

from __future__ import annotations

import csv
import io

from hypothesis import given, strategies as st

from tidebook.adapters.csvfile import parse
from tidebook.adapters.csvfile.cells import read_number_with_comma, read_number_with_point
from tidebook.adapters.csvfile.records import Record, split

HEADER = "security_id,price_date,price,currency\n"
ROW = "ACME,2024-03-01,12.50,EUR\n"

cells = st.text(alphabet='aé ",;\t\n.0', max_size=6)
# A record of nothing but blanks counts as no record, so each one starts with a letter.
records = st.lists(
    st.lists(cells, min_size=2, max_size=4).map(lambda rest: ["x", *rest]), max_size=5
)


@given(
    content=st.binary(max_size=60) | st.text(alphabet='",;\t\n\r0.x-é', max_size=60).map(str.encode)
)
def test_whatever_the_bytes_the_outcome_is_rows_and_faults(content: bytes) -> None:
    for file in (parse(content), parse(HEADER.encode() + content)):
        assert all(fault.line >= 1 and fault.what and fault.remedy for fault in file.faults)
        assert file.kind is not None or file.faults


@given(rows=records, delimiter=st.sampled_from(",;\t"), quoting=st.booleans())
def test_what_the_standard_library_writes_is_read_back(
    rows: list[list[str]], delimiter: str, quoting: bool
) -> None:
    buffer = io.StringIO(newline="")
    mode = csv.QUOTE_ALL if quoting else csv.QUOTE_MINIMAL
    csv.writer(buffer, delimiter=delimiter, quoting=mode, lineterminator="\n").writerows(rows)

    outcomes = list(split(buffer.getvalue().split("\n"), delimiter))

    assert [outcome.cells for outcome in outcomes if isinstance(outcome, Record)] == rows
    assert len(outcomes) == len(rows)


@given(size=st.integers(min_value=0, max_value=10), cut=st.integers(min_value=1, max_value=8))
def test_a_file_cut_inside_a_row_loses_that_row_and_says_so(size: int, cut: int) -> None:
    # Eight characters off "...,12.50,EUR" and its line end take the last cell and its comma along
    # from the fifth on; fewer leave a cell too short to be a currency.
    file = parse((HEADER + ROW * size + ROW)[: -1 - cut].encode())

    assert len(file.rows) == size
    assert {fault.line for fault in file.faults} == {size + 2}


@given(
    whole=st.integers(min_value=0, max_value=10**24),
    fraction=st.text("0123456789", min_size=1, max_size=18),
)
def test_a_number_is_the_same_with_comma_and_with_point(whole: int, fraction: str) -> None:
    grouped_point, grouped_comma = f"{whole:,}.{fraction}", f"{whole:,}".replace(",", ".")

    assert read_number_with_point(f"{whole}.{fraction}") == f"{whole}.{fraction}"
    assert read_number_with_point(grouped_point) == f"{whole}.{fraction}"
    assert read_number_with_comma(f"{whole},{fraction}") == f"{whole}.{fraction}"
    assert read_number_with_comma(f"{grouped_comma},{fraction}") == f"{whole}.{fraction}"
