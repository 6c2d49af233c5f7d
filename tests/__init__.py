"""Tests of dlmath.

A package, so that `tests.support` is found here whatever else is installed under that name.
"""
