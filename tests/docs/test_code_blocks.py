"""Every code block of the documentation does what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.code_blocks import KINDS, BlockError, Session, read_blocks, run_page

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_blocks_of_a_page_run(page: Path, tmp_path: Path) -> None:
    assert run_page(page, Session(tmp_path / "session")) == len(list(read_blocks(page)))


def _page(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return page


def test_blocks_share_a_directory_and_run_in_order(tmp_path: Path) -> None:
    page = _page(
        tmp_path,
        "# T\n\n```bash\necho one > file\n```\n\n1. indented\n\n    ```python title='x'\n    assert open('file').read() == 'one\\n'\n    ```\n",
    )
    assert [(block.line, block.kind) for block in read_blocks(page)] == [(3, "bash"), (9, "python")]
    assert run_page(page, Session(tmp_path / "session")) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```\nx\n```\n", r"page\.md:1: the block's kind is 'missing'"),
        ("\n```cobol\nx\n```\n", r"page\.md:2: the block's kind is 'cobol'"),
        ("```bash\ntrue\n", r"page\.md:1: the block is never closed"),
        ("```bash\nfalse\ntrue\n```\n", r"page\.md:1: exit code 1"),
        ("```python\nraise SystemExit(3)\n```\n", r"page\.md:1: exit code 3"),
        ("```json\n{,}\n```\n", r"page\.md:1: not valid json"),
        ("```yaml\na: [\n```\n", r"page\.md:1: not valid yaml"),
        ("```toml\na =\n```\n", r"page\.md:1: not valid toml"),
    ],
)
def test_a_block_that_does_not_do_what_it_shows_fails(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BlockError, match=message):
        run_page(_page(tmp_path, text), Session(tmp_path / "session"))


def test_a_query_that_the_engine_refuses_fails(tmp_path: Path) -> None:
    page = _page(tmp_path, "```kql\nprint no_such_function(1)\n```\n")
    with pytest.raises(BlockError, match=r"page\.md:1"):
        run_page(page, Session(tmp_path / "session"))


def test_every_kind_says_what_it_does() -> None:
    assert all(runner.__doc__ for runner in KINDS.values())
