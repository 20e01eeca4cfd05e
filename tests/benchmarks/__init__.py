"""Speed and size of the app in a real pseudo-terminal beside the smallest Textual app, as ratios."""
