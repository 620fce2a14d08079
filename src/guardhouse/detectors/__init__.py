"""Detectors: each a plain function of evidence. They find; they never decide and never edit."""
