"""Rules run on the book: judging what is booked, and what is only meant to be traded."""
