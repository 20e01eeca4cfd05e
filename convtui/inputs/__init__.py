"""What comes from outside: images, samples, names, files."""
