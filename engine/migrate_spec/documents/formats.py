"""Texts of the formats that JSON Schema names: interesting ones, and ways to make more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

__all__ = ["FORMATS", "FRESH"]

_START = datetime(2024, 1, 1, tzinfo=UTC)
_LONG_LABEL = "a" * 63

FORMATS: dict[str, tuple[str, ...]] = {
    "date-time": (
        "2024-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2024-02-29T12:30:45.5Z",
        "2024-01-01T00:00:00.123456789Z",
        "2024-01-01T00:00:00.000Z",
        "2024-01-01T00:00:00+00:00",
        "2024-01-01T00:00:00-00:00",
        "2024-01-01T05:30:00+05:30",
        "2023-12-31T23:59:59.999999-23:59",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "1998-12-31T23:59:60Z",
        "2024-01-01t00:00:00z",
    ),
    "date": ("2024-01-01", "1970-01-01", "2024-02-29", "0001-01-01", "9999-12-31"),
    "time": ("00:00:00Z", "23:59:59Z", "12:30:45.123456789Z", "05:30:00+05:30", "23:59:60Z", "00:00:00-00:00"),
    "duration": ("PT0S", "P1D", "P1W", "P1Y2M3DT4H5M6S", "PT36H"),
    "email": ("a@b.c", "a.b+c@example.com", "A_B@EXAMPLE.COM", '"a b"@example.com', "a@[127.0.0.1]"),
    "idn-email": ("a@b.c", "ü@bücher.example", "실례@실례.테스트"),
    "hostname": ("a", "localhost", "example.com", "a-b.c-d.e", "xn--bcher-kva.example", "EXAMPLE.COM", _LONG_LABEL),
    "idn-hostname": ("a", "bücher.example", "실례.테스트"),
    "ipv4": ("0.0.0.0", "127.0.0.1", "255.255.255.255", "192.0.2.1"),  # noqa: S104 - nothing listens there
    "ipv6": ("::", "::1", "2001:db8::1", "::ffff:192.0.2.1", "1:2:3:4:5:6:7:8"),
    "uri": ("a:", "https://example.com", "http://a/b?c=d#e", "urn:uuid:0", "mailto:a@b.c", "https://u:p@[::1]:8/%20"),
    "uri-reference": ("", "a", "/a/b?c#d", "//example.com", "https://example.com", "#"),
    "iri": ("a:", "https://bücher.example/ü", "https://example.com"),
    "iri-reference": ("", "ü", "/ü#é", "https://example.com"),
    "uri-template": ("", "a", "/a/{b}", "https://example.com/{?a,b*}"),
    "uuid": (
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "123e4567-e89b-12d3-a456-426614174000",
        "123E4567-E89B-42D3-A456-426614174000",
    ),
    "json-pointer": ("", "/", "/a", "/a/0", "/~0~1", "/é"),
    "relative-json-pointer": ("0", "1/a", "0#", "10/a/b"),
    "regex": ("", "a", "^a+$", "[a-z]{2,3}", "(a|b)"),
}
"""The name of a format → texts of it."""

FRESH: dict[str, Callable[[int], str]] = {
    "date-time": lambda number: (_START + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "date": lambda number: (_START + timedelta(days=number)).strftime("%Y-%m-%d"),
    "time": lambda number: (_START + timedelta(seconds=number)).strftime("%H:%M:%SZ"),
    "email": lambda number: f"a{number or ''}@b.c",
    "hostname": lambda number: f"a{number or ''}",
    "ipv4": lambda number: f"0.0.{number >> 8}.{number & 255}",
    "ipv6": lambda number: f"::{number:x}" if number else "::",
    "uri": lambda number: f"a:{number or ''}",
    "uuid": lambda number: str(UUID(int=number)),
}
"""The name of a format → a function from 0…65535 to a text of it."""
