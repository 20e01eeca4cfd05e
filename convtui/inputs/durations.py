"""Durations as people write them."""


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are some: 0:07, 12:30, 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def duration(seconds: float) -> str:
    """The same, but tenths of a second below a minute: 3.2 s."""
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)
