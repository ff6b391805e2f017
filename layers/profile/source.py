"""YAML with places: every value of a file knows its line, so that an error can name it.

What a stranger may send is bounded while it is read: no anchors and aliases (a few lines of them grow into gigabytes),
no deep nesting, no number of thousands of digits.

Scalars follow YAML 1.2's core schema plus dates: only `true` and `false` are booleans (`no` and `on` are texts), a
number with a leading zero is a text (codes such as 079).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import yaml
from yaml.events import AliasEvent, NodeEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gis.errors import Message
from layers.errors import FieldError

_PLAIN = "tag:yaml.org,2002:"
_KINDS = frozenset({"null", "bool", "int", "float", "timestamp", "str", "map", "seq"})
DEEPEST = 30
LONGEST_NUMBER = 100


class _RefusedError(yaml.YAMLError):
    """Sound YAML that is not used here."""

    def __init__(self, event: NodeEvent, message: Message) -> None:
        super().__init__(message.en)
        self.message = message
        self.line = event.start_mark.line + 1 if event.start_mark else 1


class _Loader(yaml.SafeLoader):
    """Composes nodes only; nothing is ever constructed from tags."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own shape
    _depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        self._require_usable(self.peek_event())  # type: ignore[no-untyped-call]
        self._depth += 1
        node: Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _require_usable(self, event: NodeEvent) -> None:
        if isinstance(event, AliasEvent) or event.anchor is not None:
            message = Message("không dùng neo và bí danh của YAML", "anchors and aliases of YAML are not used here")
            raise _RefusedError(event, message)
        if self._depth >= DEEPEST:
            message = Message(f"lồng nhau quá {DEEPEST} tầng", f"nested deeper than {DEEPEST}")
            raise _RefusedError(event, message)


_Loader.add_implicit_resolver(f"{_PLAIN}null", re.compile(r"^(~|null|)$"), ["~", "n", ""])  # type: ignore[no-untyped-call]
_Loader.add_implicit_resolver(f"{_PLAIN}bool", re.compile(r"^(true|false)$"), ["t", "f"])  # type: ignore[no-untyped-call]
_Loader.add_implicit_resolver(  # type: ignore[no-untyped-call]
    f"{_PLAIN}int", re.compile(r"^[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(  # type: ignore[no-untyped-call]
    f"{_PLAIN}timestamp", re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), list("0123456789")
)
_Loader.add_implicit_resolver(  # type: ignore[no-untyped-call]
    f"{_PLAIN}float",
    re.compile(r"^[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)

Location = tuple[str | int, ...]
#: the field of an error that is about no single field
WHOLE_FILE = "(tệp / file)"


@dataclass(frozen=True, slots=True)
class Source:
    """A file read as plain values, with the node behind each; `errors` are those of the YAML itself."""

    path: str  #: relative to the profile's folder
    value: object
    root: Node | None
    errors: tuple[FieldError, ...] = field(default=())

    def error(self, location: Location, vi: str, en: str) -> FieldError:
        """An error at a location; steps the file does not have (union tags, missing keys) are passed over."""
        line, named = self._place(location)
        return FieldError(named or WHOLE_FILE, Message(vi, en), f"{self.path}:{line}")

    def _place(self, location: Location) -> tuple[int, str]:
        node, steps = self.root, list[str]()
        line = node.start_mark.line + 1 if node else 1
        for number, step in enumerate(location):
            found = _child(node, step)
            is_missing_key = number == len(location) - 1 and isinstance(node, MappingNode) and isinstance(step, str)
            if found is not None:
                node, line = found
            elif not is_missing_key:
                continue
            steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
        return line, "".join(steps).removeprefix(".")


def read(folder: Path, path: Path) -> Source:
    """Read one file. What is no YAML, a repeated key or a foreign tag is in `errors`."""
    name = path.relative_to(folder).as_posix()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        return _broken(name, 1, "tệp không phải UTF-8; hãy lưu lại với UTF-8", f"not UTF-8; save it as UTF-8 ({error})")
    return read_text(name, text)


def read_text(name: str, text: str) -> Source:
    """Read a text as `read` does a file; `name` stands where the path would."""
    try:
        root = yaml.compose(unicodedata.normalize("NFC", text), Loader=_Loader)
    except _RefusedError as error:
        return _broken(name, error.line, error.message.vi, error.message.en)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return _broken(name, line, f"YAML không hợp lệ: {error.problem}", f"not valid YAML: {error.problem}")
    except yaml.YAMLError as error:  # a character YAML does not allow
        return _broken(name, 1, f"YAML không hợp lệ: {error}", f"not valid YAML: {error}")
    if root is None:
        return _broken(name, 1, "tệp trống", "the file is empty")
    errors = tuple(_node_errors(name, root))
    return Source(name, None if errors else _plain(root), root, errors)


def _broken(path: str, line: int, vi: str, en: str) -> Source:
    return Source(path, None, None, (FieldError(WHOLE_FILE, Message(vi, en), f"{path}:{line}"),))


def _child(node: Node | None, step: str | int) -> tuple[Node, int] | None:
    """The value at a step, and the line to show for it: that of its key."""
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == step:
                return value, key.start_mark.line + 1
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark.line + 1
    return None


def _node_errors(path: str, node: Node) -> Iterator[FieldError]:
    where = f"{path}:{node.start_mark.line + 1}"
    if node.tag.removeprefix(_PLAIN) not in _KINDS:
        yield FieldError(node.tag, Message("không dùng thẻ YAML riêng", "YAML tags are not used here"), where)
    if node.tag.removeprefix(_PLAIN) in {"int", "float"} and len(node.value) > LONGEST_NUMBER:
        yield FieldError(WHOLE_FILE, Message("số quá dài", "the number is too long"), where)
    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from _node_errors(path, item)
    if isinstance(node, MappingNode):
        yield from _key_errors(path, node)
        for _, value in node.value:
            yield from _node_errors(path, value)


def _key_errors(path: str, node: MappingNode) -> Iterator[FieldError]:
    first: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, ScalarNode):
            yield FieldError("?", Message("khóa phải là chữ", "a key must be plain text"), f"{path}:{line}")
        elif key.value in first:
            seen = first[key.value]
            message = Message(f"khóa lặp lại, đã có ở dòng {seen}", f"repeated key, first seen on line {seen}")
            yield FieldError(key.value, message, f"{path}:{line}")
        else:
            first[key.value] = line


def _plain(node: Node) -> object:
    if isinstance(node, MappingNode):
        return {key.value: _plain(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [_plain(item) for item in node.value]
    return _scalar(node.tag.removeprefix(_PLAIN), node.value)


def _scalar(kind: str, text: str) -> object:
    if kind == "null":
        return None
    if kind == "bool":
        return text == "true"
    if kind == "int":
        return int(text)
    if kind == "float":
        return float(text)
    if kind == "timestamp":
        return _date_or_text(text)
    return text


def _date_or_text(text: str) -> object:
    try:
        return date.fromisoformat(text)
    except ValueError:  # 2025-13-01 stays a text, and the field's own type says what is wrong
        return text
