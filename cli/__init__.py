"""The `dlmath` command: one module a group of sub-commands, put together in `main`."""

from dlmath._checkout import hand_on

hand_on(__name__)
