"""The statements of the papers as experiments, a module a topic."""
