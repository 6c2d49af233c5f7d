"""`python -m cli` in a checkout, and `python -m dlmath.cli`: the `dlmath` command."""

from dlmath.cli.main import main

if __name__ == "__main__":
    main()
