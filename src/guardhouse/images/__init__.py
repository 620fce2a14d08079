"""Text inside images: fetched or decoded, recognised in a process of its own, painted over."""
