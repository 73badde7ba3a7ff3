"""The machine: ports, commands, stages, the runner and the shapes that queries answer with."""
