"""The book held against others: reconciliation, and the health of its data."""
