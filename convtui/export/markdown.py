"""Text in Markdown, as notebooks and handouts have it."""


def escaped(text: str) -> str:
    """The text with what Markdown would read as marks."""
    return "".join(f"\\{each}" if each in "\\`*_<>[]#|~" else each for each in text)
