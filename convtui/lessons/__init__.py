"""Lessons: steps with words, settings and questions, read from a file that anybody can write."""
