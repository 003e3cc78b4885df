"""Which version of a table somebody has looked at."""

from __future__ import annotations

import pytest

from vedette.store.commits import Commits


def test_a_version_is_another_one_after_each_commit_and_none_within() -> None:
    commits = Commits()
    first = commits.version("A")
    assert first is not None
    assert commits.version("A") == first
    other = commits.version("B")
    with commits.committing(["A"]):
        assert commits.version("A") is None
        assert commits.version("B") == other
        with commits.committing(["A"]):
            pass
        assert commits.version("A") is None
    second = commits.version("A")
    assert second not in (None, first)
    assert commits.version("B") == other


def test_a_commit_that_fails_may_have_changed_something() -> None:
    commits = Commits()
    first = commits.version("A")
    with pytest.raises(OSError, match="disk"), commits.committing(["A", "B"]):
        raise OSError("disk")
    assert commits.version("A") not in (None, first)


def test_a_file_that_is_opened_anew_has_other_versions() -> None:
    commits = Commits()
    with commits.committing(["A"]):
        pass
    seen = {commits.version("A"), commits.version("B")}
    commits.all_changed()
    assert seen.isdisjoint({commits.version("A"), commits.version("B"), commits.version("C")})
