"""Levels of benchmarks from a folder of CSV files."""

from tidebook.adapters.benchmarkfiles.folder import BenchmarkFolder

__all__ = ["BenchmarkFolder"]
