"""Somebody's own PyTorch model traced to a graph of operations, in a process of its own.

PyTorch, and the user's code, are in `process/` alone.
"""
