"""Data sets in the forms that people have them in, as arrays that are known to be sound."""
