"""Published and hand-worked figures that the product has to reproduce."""
