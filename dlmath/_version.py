"""The version, in the one place where the package, its builds and each run's manifest read it."""

__version__ = "0.1.0"
