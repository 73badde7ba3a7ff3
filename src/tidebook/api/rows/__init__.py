"""What comes in: from the bytes of a request to facts, all or nothing."""
