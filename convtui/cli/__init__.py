"""The command line: what is typed after `convtui`, with or without a screen."""
