"""The routes: one module a family, thin over the engine's commands and reader."""
