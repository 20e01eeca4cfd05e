"""Who may ask: names, origins, headers and messages."""

import json

import pytest

from convtui.serve.rules import (
    LARGEST_MESSAGE,
    Begin,
    Hosts,
    Resized,
    Told,
    Typed,
    headers,
    is_loopback,
    is_own_origin,
    is_same,
    new_token,
    read_message,
    safe_name,
)


@pytest.mark.parametrize(
    ("host", "header", "is_allowed"),
    [
        ("127.0.0.1", "127.0.0.1:8000", True),
        ("127.0.0.1", "localhost:8000", True),
        ("127.0.0.1", "[::1]:8000", True),
        ("127.0.0.1", "localhost", False),  # another port
        ("127.0.0.1", "localhost:8001", False),
        ("127.0.0.1", "evil.example:8000", False),
        ("127.0.0.1", "127.0.0.1.evil.example:8000", False),
        ("127.0.0.1", "192.168.1.7:8000", False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "localhost:8000/x", False),
        ("127.0.0.1", "evil@localhost:8000", False),
        ("0.0.0.0", "192.168.1.7:8000", True),
        ("0.0.0.0", "rebound.example:8000", False),
        ("0.0.0.0", "class.example.org", True),
        ("127.0.0.1", "CLASS.example.org:443", True),
    ],
)
def test_hosts(host: str, header: str, is_allowed: bool) -> None:
    assert Hosts(host, 8000, ("class.example.org",)).allow(header) == is_allowed


@pytest.mark.parametrize(
    ("origin", "is_own"),
    [
        ("http://localhost:8000", True),
        ("https://localhost:8000", True),
        ("http://localhost:8001", False),
        ("http://evil.example", False),
        ("http://localhost:8000.evil.example", False),
        ("null", False),
        ("file://", False),
        ("", False),
        (None, False),
    ],
)
def test_origins(origin: str | None, is_own: bool) -> None:
    assert is_own_origin(origin, "localhost:8000") == is_own


def test_tokens() -> None:
    token = new_token()
    assert token != new_token()
    assert len(token) == 43
    assert is_same(token, token)
    assert not any(is_same(wrong, token) for wrong in ("", token[:-1], f"{token}x", "\udc80é"))


def test_headers_let_nothing_in_from_elsewhere() -> None:
    policy = headers("localhost:8000")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http://" not in policy
    assert "https://" not in policy
    assert headers("x")["Cache-Control"] == "no-store"
    assert headers("x")["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org"])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_messages() -> None:
    size = {"width": 100, "height": 30}
    assert read_message(json.dumps(["begin", {"link": "step.abc", **size}])) == Begin("step.abc", 100, 30)
    assert read_message(json.dumps(["stdin", "\x1b[C"])) == Typed("\x1b[C")
    assert read_message(json.dumps(["resize", {"width": 10**9, "height": -3}])) == Resized(1000, 1)
    assert read_message(json.dumps(["ping", "1"])) == Told("ping")
    assert read_message(json.dumps(["begin", {"link": "a\0b", **size}])) == Begin("?", 100, 30)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '["stdin"]',
        '["stdin", 1]',
        '["quit"]',
        '["deliver_chunk_request", {}]',
        '["resize", {"width": "a", "height": 1}]',
        '["resize", {"width": true, "height": 1}]',
        "[" * (LARGEST_MESSAGE // 2),
    ],
)
def test_what_no_page_says(text: str) -> None:
    assert read_message(text) is None


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("mnist-7.toml", "mnist-7.toml"),
        ("../../etc/passwd", "passwd"),
        ('a"; x\r\ny.toml', "a-x-y.toml"),
        ("...", "session"),
        ("é.toml", "toml"),
    ],
)
def test_names_of_downloads(name: str, safe: str) -> None:
    assert safe_name(name) == safe
