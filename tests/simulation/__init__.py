"""A deterministic simulation of the pipeline with the production code inside.

Clock, threads, ids and the store are simulated; commands, runner, stages and book are the
product's own. One seed is one run, to the last switch: ``python -m tests.simulation --seed 7``.
"""
