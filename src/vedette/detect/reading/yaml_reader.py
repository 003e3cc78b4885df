"""YAML without its dangers: plain data only, bounded in size, depth and expansion, with the line of every part.

PyYAML reads the events; the values are built here, because its own composer recurses once per level of nesting, lets
aliases multiply without bound, silently keeps the last of two equal keys, and forgets the lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from vedette.detect.reading.document import Document, Path
from vedette.detect.reading.problems import UnreadableDocument
from vedette.detect.rule import JsonValue

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 40
MAX_NODES = 200_000
"""Parts of one document after its aliases are expanded."""

_SCALARS = yaml.constructor.SafeConstructor()
_MERGE = "tag:yaml.org,2002:merge"
_NUMBERS = {
    "tag:yaml.org,2002:int": _SCALARS.construct_yaml_int,
    "tag:yaml.org,2002:float": _SCALARS.construct_yaml_float,
    "tag:yaml.org,2002:bool": _SCALARS.construct_yaml_bool,
}
_COLLECTIONS = {None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
_TEXTS = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp", "!", "tag:yaml.org,2002:value"}


class _Node:
    """A scalar, list or mapping as it was read; `entries`: key or position, node and line of each part."""

    __slots__ = ("entries", "kind", "line", "literal", "size", "value")

    def __init__(self, kind: str, line: int) -> None:
        self.kind = kind
        self.line = line
        self.value: JsonValue = None
        self.literal: str | None = None
        self.entries: list[tuple[str | int, _Node, int]] = []
        self.size = 1


def read_yaml(text: str, file: str) -> Iterator[Document]:
    """The documents of a YAML stream in order, empty ones left out.

    Raises `UnreadableDocument` at the first one that cannot be read.
    """
    if len(text) > MAX_BYTES:
        raise UnreadableDocument(
            f"the file is larger than the {MAX_BYTES // 1024 // 1024} MiB that a YAML rule file may have"
        )
    loader: Any = None
    try:
        loader = yaml.SafeLoader(text)
        while loader.check_event(yaml.StreamStartEvent):
            loader.get_event()
        while not loader.check_event(yaml.StreamEndEvent):
            loader.get_event()  # the document starts
            document = _finish(_compose(loader), file)
            loader.get_event()  # and ends
            if document.value is not None:
                yield document
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "not YAML"
        raise UnreadableDocument(f"not valid YAML: {problem}", mark.line + 1 if mark else None) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UnreadableDocument(
            f"not valid YAML: the character U+{ord(text[error.position]):04X} may not stand in it", line
        ) from None
    finally:
        if loader is not None:
            loader.dispose()


def _compose(loader: Any) -> _Node:
    """One document's tree. Nodes that an anchor names are shared, not copied."""
    anchors: dict[str | None, _Node] = {}
    open_nodes: list[_Node] = []
    keys: list[tuple[str, int] | None] = []  # the key that waits for its value, for each open mapping
    while True:
        event = loader.get_event()
        line = event.start_mark.line + 1
        if isinstance(event, yaml.CollectionEndEvent):
            node = open_nodes.pop()
            keys.pop()
            _check_keys(node)
        elif isinstance(event, yaml.AliasEvent):
            found = anchors.get(event.anchor)
            if found is None:
                raise UnreadableDocument(f"not valid YAML: the alias *{event.anchor} names no anchor", line)
            if found in open_nodes:
                raise UnreadableDocument(f"the alias *{event.anchor} stands inside what it names", line)
            node = found
        else:
            node = _start(loader, event, line)
            if event.anchor is not None:
                anchors[event.anchor] = node
            if node.kind != "scalar":
                open_nodes.append(node)
                keys.append(None)
                if len(open_nodes) > MAX_DEPTH:
                    raise UnreadableDocument(f"the file is nested deeper than {MAX_DEPTH} levels", line)
                continue
        if not open_nodes:
            return node
        parent = open_nodes[-1]
        if parent.kind == "list":
            parent.entries.append((len(parent.entries), node, node.line))
        elif keys[-1] is None:
            if node.kind != "scalar":
                raise UnreadableDocument("a name in a rule file is plain text, not a list or a mapping", line)
            keys[-1] = (
                "<<" if node.literal == "<<" else str(node.literal if node.literal is not None else node.value),
                line,
            )
            continue
        else:
            key, key_line = keys[-1]
            parent.entries.append((key, node, key_line))
            keys[-1] = None
        parent.size += node.size
        if parent.size > MAX_NODES:
            raise UnreadableDocument(f"the document expands to more than {MAX_NODES:,} parts", line)


def _start(loader: Any, event: Any, line: int) -> _Node:
    if isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
        if event.tag not in _COLLECTIONS:
            raise UnreadableDocument(f"the tag {event.tag} is not allowed: a rule file is plain data", line)
        return _Node("list" if isinstance(event, yaml.SequenceStartEvent) else "mapping", line)
    node = _Node("scalar", line)
    tag = event.tag
    if tag is None:
        tag = loader.resolve(yaml.ScalarNode, event.value, event.implicit)
    if tag == _MERGE:
        node.value = node.literal = event.value
    elif tag in _NUMBERS:
        node.literal = event.value
        try:
            node.value = _NUMBERS[tag](yaml.ScalarNode(tag, event.value))
        except (ValueError, KeyError):
            raise UnreadableDocument(f"'{event.value[:40]}' is not a value of {tag.rpartition(':')[2]}", line) from None
    elif tag == "tag:yaml.org,2002:null":
        node.value = None
        node.literal = event.value or None
    elif tag in _TEXTS:
        node.value = event.value
    else:
        raise UnreadableDocument(f"the tag {tag} is not allowed: a rule file is plain data", line)
    return node


def _check_keys(node: _Node) -> None:
    if node.kind != "mapping":
        return
    seen: dict[str | int, int] = {}
    for key, _, line in node.entries:
        if key in seen and key != "<<":
            raise UnreadableDocument(f"'{key}' is given twice, on lines {seen[key]} and {line}", line)
        seen[key] = line


def _finish(root: _Node, file: str) -> Document:
    """The tree as plain values, with the lines and literals by path."""
    lines: dict[Path, int] = {}
    literals: dict[Path, str] = {}

    def build(node: _Node, path: Path, line: int) -> JsonValue:
        lines[path] = line
        if node.kind == "scalar":
            if node.literal is not None and node.value is not None:
                literals[path] = node.literal
            return node.value
        if node.kind == "list":
            return [build(child, (*path, key), at) for key, child, at in node.entries]
        merged: dict[str, JsonValue] = {}
        for key, child, at in node.entries:
            if key == "<<":
                for source in [child] if child.kind == "mapping" else [entry for _, entry, _ in child.entries]:
                    if source.kind != "mapping":
                        raise UnreadableDocument("'<<' merges mappings only", at)
                    for name, value in build(source, path, at).items():
                        merged.setdefault(name, value)
        own = {str(key): build(child, (*path, str(key)), at) for key, child, at in node.entries if key != "<<"}
        return {**merged, **own}

    value = build(root, (), root.line)

    def line(path: Path) -> int | None:
        while path and path not in lines:
            path = path[:-1]
        return lines.get(path)

    return Document(value, file, line, literals)
