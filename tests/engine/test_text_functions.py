"""Functions of one row's text: what goes there must come back, and patterns mean the same to both readings."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.engine import regex
from vedette.engine.functions import encoding, formatting, text_parsing, xml_text
from vedette.kql import ticks

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
ASCII = st.text(st.characters(min_codepoint=0, max_codepoint=127), max_size=40)
PIECES = st.sampled_from(
    [
        r"\d",
        r"\w",
        r"\s",
        r"\D",
        r"\W",
        r"\S",
        r"[\w.-]",
        r"[^\s\d]",
        r"[\W_]",
        r"[^\w]",
        r"[a-c]",
        "x",
        r"\.",
        "(?<n>b)",
        "[[:alpha:]]",
    ]
)
PATTERNS = st.lists(st.tuples(PIECES, st.sampled_from(["", "*", "+", "?", "{1,3}"])), min_size=1, max_size=4).map(
    # a name may stand once in a pattern
    lambda parts: "".join(piece.replace("?<n>", f"?<n{i}>") + count for i, (piece, count) in enumerate(parts))
)


@given(TEXT)
def test_base64_comes_back(text: str) -> None:
    data = list(text.encode())
    encoded = encoding.encoded_bytes(data)
    assert encoded is not None
    assert encoding.decoded_bytes(encoded) == data
    assert encoding.decoded_text(encoded) == text


@given(TEXT)
def test_compressed_text_comes_back(text: str) -> None:
    assert encoding.gunzipped(encoding.gzipped(text)) == text
    assert encoding.unzlibbed(encoding.zlibbed(text)) == text


def test_a_stream_that_grows_too_large_is_refused() -> None:
    import base64
    import zlib

    bomb = base64.b64encode(zlib.compress(b"\0" * (17 * 1024 * 1024), 9)).decode()
    assert encoding.unzlibbed(bomb) is None


@given(TEXT)
def test_url_encodings_come_back(text: str) -> None:
    assert encoding.url_decoded(encoding.url_encoded(text)) == text
    assert encoding.url_decoded(encoding.url_component_encoded(text)) == text
    assert encoding.url_encoded(text).isascii()


@given(TEXT)
def test_punycode_comes_back(text: str) -> None:
    if not text.isascii():
        assert encoding.of_punycode(encoding.punycode(text)) == text


@given(st.lists(st.text(st.sampled_from('ab \\"\t/'), max_size=8), max_size=5))
def test_windows_arguments_undo_what_windows_programs_quote(arguments: list[str]) -> None:
    line = subprocess.list2cmdline(["prog", *arguments])
    assert text_parsing.windows_arguments(line) == ["prog", *arguments]


@given(PATTERNS, ASCII)
def test_the_readings_of_a_pattern_agree_on_ascii(pattern: str, text: str) -> None:
    plain, exact = regex.compiled(pattern, True), regex.compiled(pattern)
    assert plain is not None
    assert exact is not None
    assert [match.span() for match in plain.finditer(text)] == [match.span() for match in exact.finditer(text)]


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^\w+$", "Ünïcode_９", True),
        (r"^[\w-]+$", "é-è", True),
        (r"\W", "é", False),
        (r"^[\W]$", "é", False),
        (r"^[\S]$", "\u00a0", False),
        (r"^[^\s]$", "\u3000", False),
        (r"^\D$", "٤", False),
        (r"\u00e9", "é", True),
        (r"\u{1F422}", "🐢", True),
        (r"\Qa.b\E", "axb", False),
        (r"[]x]", "]", True),
        (r"^\s[\s]$", "\v\v", True),
        (r"\S|[\S]", "\v", False),
    ],
)
def test_classes_are_unicode(pattern: str, text: str, found: bool) -> None:
    compiled = regex.compiled(pattern)
    assert compiled is not None
    assert bool(compiled.search(text)) is found


def test_a_pattern_whose_unicode_form_is_too_large_still_runs() -> None:
    pattern = r"(\w{1,900}\.){1,1}"
    assert regex.fault(pattern) is None
    compiled = regex.compiled(pattern)
    assert compiled is not None
    assert compiled.search("ab.") is not None


@given(st.integers(0, ticks.MAX_DATETIME))
def test_a_formatted_datetime_reads_back(moment: int) -> None:
    text = formatting.formatted_datetime(moment, "yyyy-MM-dd HH:mm:ss.fffffff")
    assert text is not None
    assert ticks.parse_datetime(text) == moment


@given(st.integers(-(10**17), 10**17))
def test_a_formatted_timespan_reads_back(span: int) -> None:
    text = formatting.formatted_timespan(span, "d.hh:mm:ss.fffffff")
    assert text is not None
    assert ticks.parse_timespan(text) == span


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9999, 12, 30)),
    st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "America/Lima"]),
)
def test_local_times_agree_with_the_standard_library(moment: datetime, zone: str) -> None:
    import zoneinfo

    from vedette.engine.functions.datetime_making import local_of_utc

    aware = moment.replace(tzinfo=UTC)
    local = local_of_utc(ticks.from_datetime(aware), zone)
    assert local is not None
    offset = aware.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset()
    assert offset is not None
    assert timedelta(microseconds=(local - ticks.from_datetime(aware)) // 10) == offset


@given(st.text(max_size=80))
def test_no_text_breaks_the_parsers(text: str) -> None:
    assert set(text_parsing.parsed_url(text)) >= {"Scheme", "Host", "Path", "Query Parameters"}
    assert text_parsing.parsed_path(text)["Filename"] in text
    assert isinstance(text_parsing.parsed_csv(text), list)
    xml_text.parsed_xml(text)
    encoding.decoded_text(text)
    encoding.gunzipped(text)
    encoding.of_punycode_domain(text)


@given(
    st.recursive(
        st.just(""), lambda inner: st.lists(inner, max_size=3).map(lambda kids: "".join(f"<e>{k}</e>" for k in kids))
    )
)
def test_xml_of_only_elements_is_always_read(inside: str) -> None:
    assert xml_text.parsed_xml(f"<r>{inside}</r>") is not None
