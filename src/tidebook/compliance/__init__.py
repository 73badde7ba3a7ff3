"""What a portfolio may not do: rules in force, and verdicts on trades."""
