"""Tidebook's own CSV files: one kind for each kind of fact, and one for cancellations.

The format is described in ``docs/reference/csv.md``. Reading is total: whatever the file holds,
the outcome is rows that can be posted as they are and faults that each name a line.
"""

from __future__ import annotations

from tidebook.adapters.csvfile.layout import LAYOUTS, Column, FileKind, Form, Layout
from tidebook.adapters.csvfile.parse import (
    ParsedFile,
    ParsedRow,
    RowFault,
    parse,
    read_file,
    to_post,
)

__all__ = [
    "LAYOUTS",
    "Column",
    "FileKind",
    "Form",
    "Layout",
    "ParsedFile",
    "ParsedRow",
    "RowFault",
    "parse",
    "read_file",
    "to_post",
]
