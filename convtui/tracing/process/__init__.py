"""The tracing process: loads the user's model, runs it once, and tells of each operation as it comes."""
