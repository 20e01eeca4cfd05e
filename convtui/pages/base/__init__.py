"""What every page has: keys, notices, typed lines, questions and help."""
