"""Memory as people write it, in one way for layers and for operations of a trace."""


def memory_text(count: int) -> str:
    """So many bytes, in the unit that leaves at most three digits before the point; at most in PB."""
    size, units = float(count), ["B", "kB", "MB", "GB", "TB", "PB"]
    while size >= 999.5 and len(units) > 1:
        size, units = size / 1000, units[1:]
    is_whole = units[0] == "B" or size >= 99.95
    return f"{size:.{0 if is_whole else 1}f} {units[0]}"
