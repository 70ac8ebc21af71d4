"""Patterns and replacements: what they match, what is wrong with them in whole sentences, and that none can hang."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_spec.errors import Place
from migrate_spec.pattern import Pattern, Replacement, Substitution
from tests.test_laws import LAW

PLACE = Place("specs/task/v1_to_v2.yaml", 5, 9)
SYNTAX = "a regular expression in RE2's syntax was expected"
BEYOND = f"{SYNTAX}; look-around and back-references are not in it"
MEGABYTE = 1_000_000


# ----------------------------------------------------------------------------------------------- what is wrong

FAULTS: dict[str, tuple[str, str]] = {
    "a group that is open": ("(a", f"the pattern '(a' was found (missing ): (a), {SYNTAX}"),
    "a group that is closed twice": ("a)", f"the pattern 'a)' was found (unexpected ): a)), {SYNTAX}"),
    "a class that is open": ("[ab", f"the pattern '[ab' was found (missing ]: [ab), {SYNTAX}"),
    "a class that ends before it begins": (
        "[z-a]",
        f"the pattern '[z-a]' was found (invalid character class range: z-a), {SYNTAX}",
    ),
    "a class that there is not": (
        r"\p{Foo}",
        rf"the pattern '\\p{{Foo}}' was found (invalid character class range: \p{{Foo}}), {SYNTAX}",
    ),
    "nothing to repeat": ("*a", f"the pattern '*a' was found (no argument for repetition operator: *), {SYNTAX}"),
    "repeated twice": ("a**", f"the pattern 'a**' was found (bad repetition operator: **), {SYNTAX}"),
    "possessive": ("a++", f"the pattern 'a++' was found (bad repetition operator: ++), {SYNTAX}"),
    "the least above the most": (
        "a{2,1}",
        f"the pattern 'a{{2,1}}' was found (invalid repetition size: {{2,1}}), {SYNTAX}",
    ),
    "too many": ("a{1001}", f"the pattern 'a{{1001}}' was found (invalid repetition size: {{1001}}), {SYNTAX}"),
    "too many of too many": (
        "((a{100}){100}){100}",
        f"the pattern '((a{{100}}){{100}}){{100}}' was found (invalid repetition size: {{100}}), {SYNTAX}",
    ),
    "an escape that there is not": (
        r"\q",
        rf"the pattern '\\q' was found (invalid escape sequence: \q), {SYNTAX}",
    ),
    "a backslash at the end": ("a\\", f"the pattern 'a\\\\' was found (trailing \\), {SYNTAX}"),
    "a flag that there is not": ("(?x)a", f"the pattern '(?x)a' was found (invalid perl operator: (?x), {SYNTAX}"),
    "a flag that is open": ("(?i", f"the pattern '(?i' was found (invalid perl operator: (?i), {SYNTAX}"),
    "odd characters": ("(ü😀", f"the pattern '(ü😀' was found (missing ): (ü😀), {SYNTAX}"),
    "look ahead": ("a(?=b)", f"the pattern 'a(?=b)' was found (invalid perl operator: (?=), {BEYOND}"),
    "look ahead, negated": ("(?!b)a", f"the pattern '(?!b)a' was found (invalid perl operator: (?!), {BEYOND}"),
    "look behind": ("(?<=a)b", f"the pattern '(?<=a)b' was found (invalid perl operator: (?<=), {BEYOND}"),
    "look behind, negated": ("(?<!a)b", f"the pattern '(?<!a)b' was found (invalid perl operator: (?<!), {BEYOND}"),
    "an atomic group": ("(?>a)", f"the pattern '(?>a)' was found (invalid perl operator: (?>), {BEYOND}"),
    "a reference back": (r"(a)\1", rf"the pattern '(a)\\1' was found (invalid escape sequence: \1), {BEYOND}"),
    "a reference back by name": (
        "(?P<n>a)(?P=n)",
        f"the pattern '(?P<n>a)(?P=n)' was found (invalid perl operator: (?P), {BEYOND}",
    ),
    "a reference back in Perl's words": (
        r"(?P<n>a)\k<n>",
        rf"the pattern '(?P<n>a)\\k<n>' was found (invalid escape sequence: \k), {BEYOND}",
    ),
}


@pytest.mark.parametrize(("text", "sentence"), FAULTS.values(), ids=FAULTS)
def test_a_pattern_that_is_none(text: str, sentence: str) -> None:
    """What is wrong with a pattern is told in a whole sentence, at its place; with a remedy for what RE2 has not."""
    fault = Pattern(text, PLACE).fault()
    assert fault is not None
    assert str(fault) == f"{PLACE}: {sentence}"
    assert fault.code == "pattern-invalid"


@pytest.mark.parametrize(
    "text", ["", "a", "^$", "(?i)ü", "(?s).", "(?m)^a$", r"\pL+\d{2,}?", "(?P<n>a)|(?<m>b)", "[[:alpha:]]", "😀*", "\0"]
)
def test_a_pattern_without_fault(text: str) -> None:
    """What RE2 takes is a pattern."""
    assert Pattern(text, PLACE).fault() is None


REPLACEMENTS: dict[str, tuple[str, str, str]] = {
    "a group that there is not": (
        "(a)(b)",
        r"\1\3",
        r"'\\3' was found in the replacement '\\1\\3', one of \0 to \2 was expected; write a backslash as \\",
    ),
    "a group where there is none": (
        "a",
        r"\1",
        r"'\\1' was found in the replacement '\\1', only \0 was expected; write a backslash as \\",
    ),
    "a letter": (
        "(a)",
        r"x\n",
        r"'\\n' was found in the replacement 'x\\n', one of \0 to \1 was expected; write a backslash as \\",
    ),
    "the end": (
        "(a)",
        "x\\",
        r"'\\' was found in the replacement 'x\\', one of \0 to \1 was expected; write a backslash as \\",
    ),
    "an end of line": (
        "a",
        "\\\n",
        r"'\\\n' was found in the replacement '\\\n', only \0 was expected; write a backslash as \\",
    ),
    "a digit of another kind": (
        "(a)",
        "\\²",
        r"'\\²' was found in the replacement '\\²', one of \0 to \1 was expected; write a backslash as \\",
    ),
    "a name": (
        "(?P<n>a)",
        r"\g<n>",
        r"'\\g' was found in the replacement '\\g<n>', one of \0 to \1 was expected; write a backslash as \\",
    ),
}


@pytest.mark.parametrize(("pattern", "text", "sentence"), REPLACEMENTS.values(), ids=REPLACEMENTS)
def test_a_replacement_that_is_none(pattern: str, text: str, sentence: str) -> None:
    """A backslash is for a group that the pattern has, or for a backslash; what else follows it is a fault."""
    fault = Substitution(Pattern(pattern), Replacement(text, PLACE)).fault()
    assert fault is not None
    assert str(fault) == f"{PLACE}: {sentence}"
    assert fault.code == "replacement-invalid"


# ------------------------------------------------------------------------------------------------ what it does


@pytest.mark.parametrize(
    ("pattern", "replacement", "text", "result"),
    [
        ("a", "b", "banana", "bbnbnb"),
        ("x", "b", "banana", "banana"),
        ("a", "", "banana", "bnn"),
        ("(a)(n)", r"\2\1", "banana", "bnanaa"),
        ("an", r"<\0>", "banana", "b<an><an>a"),
        ("(a)|(n)", r"[\1\2]", "ban", "b[a][n]"),
        ("a", r"\\1", "a", r"\1"),
        ("(a)", r"\10", "a", "a0"),
        ("a+", "x", "aab", "xb"),
        ("a+?", "x", "aab", "xxb"),
        ("a*", "-", "baac", "-b-c-"),
        ("b*", "-", "üb", "-ü-"),
        ("", "-", "ü😀", "-ü-😀-"),
        ("^", "-", "a\nb", "-a\nb"),
        ("(?m)^", "-", "a\nb", "-a\n-b"),
        (r"\b", "|", "ab c", "|ab| |c|"),
        ("$", "!", "ab", "ab!"),
        ("a.c", "x", "a\nc", "a\nc"),
        ("(?s)a.c", "x", "a\nc", "x"),
        ("(?i)ä", "ae", "ÄÖäö", "aeÖaeö"),
        ("ö(.)", r"\1\1", "xö😀y", "x😀😀y"),
        (r"\w", "x", "aü", "xü"),
        (r"\pL", "x", "aü1", "xx1"),
        ("\0", "0", "a\0b", "a0b"),
        ("a", "ü\0😀", "bab", "bü\0😀b"),
        ("a", "b", "", ""),
    ],
)
def test_what_is_replaced(pattern: str, replacement: str, text: str, result: str) -> None:
    """Every match is replaced, from left to right; an empty one stands once at a place, and not behind another."""
    substitution = Substitution(Pattern(pattern), Replacement(replacement))
    assert substitution.fault() is None
    assert substitution.replacer()(text) == result


@LAW
@given(st.text("aüb😀\\0", max_size=8), st.text("aüb😀\\0", max_size=4))
def test_a_text_is_put_in_as_it_is(text: str, new: str) -> None:
    """A replacement in which each backslash is doubled is the text itself, and one without a match changes nothing."""
    replacement = Replacement(new.replace("\\", "\\\\"))
    assert Pattern("ü").replacer(replacement)(text) == text.replace("ü", new)
    assert Pattern("x").replacer(replacement)(text) == text
    assert Pattern("a|ü").replacer(Replacement(r"\0"))(text) == text


@pytest.mark.parametrize(
    ("pattern", "text", "parts"),
    [
        (r"(?P<year>\d{4})-(?P<month>\d\d)", "2024-05", {"year": "2024", "month": "05"}),
        (r"(?P<year>\d{4})-(?P<month>\d\d)", "2024-05-01", None),
        (r"(?P<year>\d{4})-(?P<month>\d\d)", " 2024-05", None),
        ("(?P<a>x)|(?P<b>y)", "y", {"a": None, "b": "y"}),
        ("(?P<b>x?)(?P<a>y*)", "", {"b": "", "a": ""}),
        ("(?P<a>ü+)(.)", "üü😀", {"a": "üü"}),
        ("a|ab", "ab", {}),
        ("a", "a\n", None),
    ],
)
def test_the_parts_of_a_whole_text(pattern: str, text: str, parts: Any) -> None:
    """The named groups are read where the pattern matches all of a text, in the order of the pattern."""
    found = Pattern(pattern).parts(text)
    assert found == parts
    assert list(found or ()) == list(parts or ())


@pytest.mark.parametrize(
    ("pattern", "groups", "names"),
    [("a", 0, {}), ("(a)(?:b)((c))", 3, {}), ("(?P<b>x)(y)(?<a>z)", 3, {"b": 1, "a": 3})],
)
def test_its_groups(pattern: str, groups: int, names: dict[str, int]) -> None:
    """Groups are counted from the left; those without a number do not count."""
    assert (Pattern(pattern).groups, dict(Pattern(pattern).names)) == (groups, names)
    assert list(Pattern(pattern).names) == list(names)


def test_a_pattern_can_be_sent() -> None:
    """A pattern that was used goes to another process, and is the same wherever it stood in a spec."""
    pattern = Pattern("(a*)*b", PLACE)
    assert pattern.matches("aab")
    again: Pattern = pickle.loads(pickle.dumps(pattern))  # noqa: S301 - it comes from the line itself
    assert again == pattern == Pattern("(a*)*b")
    assert (again.place, hash(again)) == (PLACE, hash(pattern))
    assert again.matches("aab")
    assert str(again) == "(a*)*b"


# ------------------------------------------------------------------------------------------- none can hang


@pytest.mark.parametrize(
    "pattern", ["(a*)*b", "(a|aa)+$", "(a|a?)+b", "(.*a){20}b", "^(([a-z])+.)+[A-Z]([a-z])+$", "(a+)+(a+)+b"]
)
def test_no_pattern_hangs(pattern: str) -> None:
    """What takes other engines longer than the age of the world is answered for a megabyte."""
    text = "a" * MEGABYTE
    other = Pattern(pattern)
    assert not other.matches(f"{text}!")
    assert other.parts(f"{text}!") is None
    assert other.replacer(Replacement("x"))(f"{text}!") == f"{text}!"


def test_a_megabyte_of_matches() -> None:
    """Texts with very many matches are replaced, in time that grows with their length and not with its square."""
    assert Pattern("(a+)+b").replacer(Replacement(r"\1"))("aab" * 50_000) == "aa" * 50_000
    assert Pattern("ü").replacer(Replacement("ue"))("üx😀" * 50_000) == "uex😀" * 50_000
    assert Pattern("(a*)*b").replacer(Replacement(r"\0"))("a" * MEGABYTE + "b") == "a" * MEGABYTE + "b"
