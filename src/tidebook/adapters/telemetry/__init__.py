"""What one process tells of itself: log lines, metrics and traces.

The modules are entered by name, so that a process loads what it uses.
"""
