"""The stages: each a fold of a batch into writes, run by ``tidebook.engine.runner``."""
