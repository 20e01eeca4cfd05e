"""Textual widgets that draw what they are given, and the pure functions behind them."""
