"""The strip of a lesson, over the footer of a page."""

from __future__ import annotations

from textual.content import Content

from convtui.lessons.view import LessonView
from convtui.pages.base.layout import strip_height
from convtui.pages.base.lesson_words import strip_lines
from convtui.paint.text_line import TextLine


class LessonStrip(TextLine):
    """What a lesson says; its height depends on the terminal alone, so nothing moves from step to step."""

    def __init__(self) -> None:
        super().__init__("lesson")

    def show_view(self, view: LessonView, columns: int, rows: int) -> None:
        """Draw this for a terminal of that size."""
        height = strip_height(rows)
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height
        self.draw((view, columns, rows), lambda: Content("\n").join(strip_lines(view, columns, height)))
