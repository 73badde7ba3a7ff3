"""Measurements: each row of the table is a figure and a baseline taken in the same run.

Run from the repository's root with ``make bench``, ``make bench ROW=fifo_fold`` or
``python -m bench --row fifo_fold --quick``.
"""
