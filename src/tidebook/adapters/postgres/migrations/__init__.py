"""How the schema came to be: one numbered step per file, run in order and once."""
