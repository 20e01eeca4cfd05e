"""How well one colour can be read on another."""

from convtui.paint.colours import RGB


def contrast(one: RGB, other: RGB) -> float:
    """Contrast ratio. Source: https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio"""

    def relative(colour: RGB) -> float:
        linear = [
            c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((relative(one), relative(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
