"""Convolution arithmetic in numpy; knows no screen and no torch."""
