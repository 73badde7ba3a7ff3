"""Tear sheets: everything told of one portfolio, in one file that needs nothing else."""

from tidebook.web.tearsheet.page import render_tear_sheet

__all__ = ["render_tear_sheet"]
