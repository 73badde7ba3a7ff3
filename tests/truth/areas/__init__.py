"""One adapter per area of the golden cases, in the folder of the file format it belongs to.

An adapter has one function, ``check(case) -> None``: it puts the case's inputs into the product's
public functions and asserts the expected figures within the case's own tolerance. It refuses an
expectation it does not know, so that none goes unchecked.
"""
