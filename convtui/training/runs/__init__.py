"""What is kept of every run, and what its events add up to."""
