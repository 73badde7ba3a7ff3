"""The nouns: money, instruments, portfolios, calendars, facts and findings."""
