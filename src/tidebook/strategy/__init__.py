"""What to do next: from what is wanted to what is to be held."""
