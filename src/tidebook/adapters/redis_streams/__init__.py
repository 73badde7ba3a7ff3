"""The bus on Redis Streams, for events that are worth little a minute later."""

from tidebook.adapters.redis_streams.bus import RedisBus

__all__ = ["RedisBus"]
