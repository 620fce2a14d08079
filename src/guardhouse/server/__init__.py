"""The HTTP server: one core, thin dialects."""
