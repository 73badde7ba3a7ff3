"""The sockets: what connects the book to databases, buses, feeds and brokers."""
