"""Other libraries as witnesses: what they say alike, and where they differ, by how much and why."""
