"""`python -m dlmath`: the command line, the same as the `dlmath` command."""

from dlmath.cli.main import main

if __name__ == "__main__":
    main()
