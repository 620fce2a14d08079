"""`python -m guardhouse` is the command `guardhouse`."""

from guardhouse.cli import main

if __name__ == "__main__":
    main()
