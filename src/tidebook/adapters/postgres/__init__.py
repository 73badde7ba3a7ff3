"""PostgreSQL, the one store: its embedded cluster, its schema and its statements."""

from tidebook.adapters.postgres.cluster import EmbeddedCluster, RunningCluster

__all__ = ["EmbeddedCluster", "RunningCluster"]
