"""Pure functions on strings. Standard library only; every offset is in code points."""
