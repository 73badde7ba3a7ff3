"""What goes out: the documents of the answers, and what their requests may ask."""
