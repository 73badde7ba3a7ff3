"""Where figures come from: derivations from a figure down to its facts."""
