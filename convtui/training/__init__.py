"""Training a small CNN in a process of its own: what it is told, what it tells, and what it keeps on disk."""
