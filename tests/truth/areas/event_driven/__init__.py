"""Adapters for cases that name an area and no function."""
