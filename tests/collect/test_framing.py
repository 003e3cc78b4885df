from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.collect.listeners.framing import Frames

MESSAGES = st.lists(
    st.binary(min_size=1, max_size=30).map(lambda body: b"<13>" + body.translate(None, b"\r\n\0")),
    min_size=1,
    max_size=8,
)


def run(stream: bytes, sizes: list[int], longest: int = 1000) -> tuple[list[bytes], Frames]:
    frames, found, position = Frames(longest), [], 0
    for size in sizes:
        found += frames.feed(stream[position : position + size])
        position += size
    found += frames.feed(stream[position:])
    return found + frames.rest(), frames


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0"])
@given(messages=MESSAGES, sizes=st.lists(st.integers(1, 20), max_size=20))
def test_lines(end: bytes, messages: list[bytes], sizes: list[int]) -> None:
    assert run(end.join(messages), sizes)[0] == messages


@given(messages=MESSAGES, sizes=st.lists(st.integers(1, 20), max_size=20), end=st.sampled_from([b"", b"\n"]))
def test_octet_counting(messages: list[bytes], sizes: list[int], end: bytes) -> None:
    stream = b"".join(b"%d %s%s" % (len(one), one, end) for one in messages)
    assert run(stream, sizes)[0] == messages


@given(sizes=st.lists(st.integers(1, 20), max_size=20), counting=st.booleans())
def test_a_long_message_is_cut_and_the_next_is_whole(sizes: list[int], counting: bool) -> None:
    messages = [b"<13>a", b"<13>" + b"x" * 100, b"<13>b"]
    stream = b"".join(b"%d %s" % (len(one), one) for one in messages) if counting else b"\n".join(messages) + b"\n"
    found, frames = run(stream, sizes, longest=20)
    assert found == [b"<13>a", b"<13>" + b"x" * 16, b"<13>b"]
    assert frames.cut == 1


MIXED = st.lists(
    st.tuples(
        st.sampled_from([b"<34>one", b"<13>Mar  6 12:00:00 h a: x", b"CEF:0|a|b|c|d|e|f|", b"plain", b"7 is a number", b"<1>two\nlines"]),
        st.sampled_from([b"\n", b"\r\n", b"\0", b"counted", b"counted\n"]),
    ),
    max_size=8,
)  # fmt: skip


@given(parts=MIXED, sizes=st.lists(st.integers(1, 20), max_size=20))
def test_each_message_tells_its_own_framing(parts: list[tuple[bytes, bytes]], sizes: list[int]) -> None:
    stream, expected = b"", []
    for message, end in parts:
        if end.startswith(b"counted") and message[:1] in b"<C":
            stream += b"%d %s%s" % (len(message), message, end.removeprefix(b"counted"))
            expected.append(message)
        else:
            stream += message + (b"\n" if end.startswith(b"counted") else end)
            expected += message.split(b"\n")
    assert run(stream, sizes)[0] == expected


def test_lines_that_begin_with_a_digit() -> None:
    assert run(b"2026-03-06T12:00:00Z h a: x\n2 y\n", [3])[0] == [b"2026-03-06T12:00:00Z h a: x", b"2 y"]


def test_counting_that_ends() -> None:
    assert run(b"5 <13>abroken\n<13>c\n", [])[0] == [b"<13>a", b"broken", b"<13>c"]


def test_a_message_that_is_not_finished_is_kept() -> None:
    found, frames = run(b"50 <13>only a part", [])
    assert found == [b"<13>only a part"]
    assert frames.cut == 1
