"""Backward passes derived from forward ones by moving adjoints, and compared with the code."""
