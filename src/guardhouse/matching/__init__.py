"""One matcher over all patterns of a plan; pattern packs are data."""
