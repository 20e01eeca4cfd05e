"""A session in a link: there and back, and whatever else may stand behind a #."""

import zlib
from base64 import urlsafe_b64encode

import numpy as np
import pytest

from convtui.state.session import Session
from convtui.state.settings import transition
from convtui.store.link import LARGEST_TEXT, LONGEST, PAGES, LinkError, link_of, read_link
from convtui.store.pictures import open_any, reopened
from convtui.store.session_file import dumps
from tests.support.example_sessions import lesson


@pytest.mark.parametrize("page", PAGES)
def test_there_and_back(page: str) -> None:
    session = lesson()
    for typed in ("kernel sobel-x 5", "stride 2", "padding 1,2", "layers conv 3x3 8, relu, maxpool 2"):
        session = transition(typed, reopened)(session)
    link = link_of(page, session.at(7))
    assert read_link(link)[0] == page
    assert dumps(read_link(link)[1]) == dumps(session.at(7))
    assert len(link) < 700


def test_an_image_that_was_pasted_travels_along() -> None:
    session = lesson().with_picture(open_any("[1 2 3; 4 5 6; 7 8 9]"))
    assert np.array_equal(read_link(link_of("step", session))[1].picture.pixels, session.picture.pixels)


def test_one_that_is_too_large_has_no_link() -> None:
    noise = np.random.default_rng(0).normal(size=(64, 64)).tolist()
    session: Session = lesson().with_picture(open_any(str(noise)))
    with pytest.raises(LinkError, match="would be too long; s saves"):
        link_of("step", session)


def packed(text: str) -> str:
    return urlsafe_b64encode(zlib.compress(text.encode())).decode().rstrip("=")


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("", "not one of convtui's"),
        ("step", "not one of convtui's"),
        ("nowhere.abc", "not one of convtui's"),
        ("step.<script>", "not one of convtui's"),
        ("step.abcd", "damaged"),
        ("step.a", "damaged"),
        (f"step.{packed('x' * 5000)[:-4]}", "not whole|damaged"),
        (f"step.{packed('x' * (LARGEST_TEXT + 1))}", "too large"),
        ("step." + "a" * LONGEST, "letters are too many"),
        (f"step.{packed('convtui = 1')}", "the link"),
        (f"step.{packed('import os')}", "the link, line 1"),
    ],
)
def test_what_is_no_link_is_told_in_one_line(link: str, why: str) -> None:
    with pytest.raises(LinkError, match=why) as refused:
        read_link(link)
    assert "\n" not in str(refused.value)
