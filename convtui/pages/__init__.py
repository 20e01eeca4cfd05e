"""The five pages, a folder each, and what they have in common."""
