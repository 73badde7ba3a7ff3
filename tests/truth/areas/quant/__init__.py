"""Adapters for cases that name an area and a function."""
