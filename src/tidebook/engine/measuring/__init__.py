"""What is measured of portfolios: returns, risk, attribution, comparison."""
