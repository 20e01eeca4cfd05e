"""What comes from outside: pictures, samples, names, files."""
