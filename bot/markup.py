"""Bodies in XML or JSON, read from and written for a platform, safely and fast.

The XML is read by expat itself: twice as fast as defusedxml's ElementTree, which still yields elements only, and as
safe, because a document type declaration, the only place where entities can be declared, is refused outright.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal
from xml.parsers import expat

import orjson

MAX_DEPTH = 16
MAX_ELEMENTS = 4096
"""The deepest and largest genuine message, a photo event with nine pictures, has 5 levels and 30 elements."""

BodyFormat = Literal["xml", "json"]

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NOT_XML_BYTES = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")


class Malformed(ValueError):
    """The body is neither well-formed XML nor a JSON object, or exceeds the bounds, or declares a document type."""


def parse_body(body: bytes) -> tuple[dict[str, Any], BodyFormat]:
    """Read a body by its first character. Raises Malformed and nothing else.

    People do type control characters, and the platforms forward them although neither format allows them; a body that
    is refused is therefore read once more without them rather than lost.
    """
    body = body.strip()
    if body.startswith(b"{"):
        return _parse_json(body), "json"
    try:
        return _XmlReader().read(body), "xml"
    except expat.ExpatError as error:
        cleaned = _NOT_XML_BYTES.sub(b"", body)
        if cleaned == body:
            raise Malformed("xml") from error
    try:
        return _XmlReader().read(cleaned), "xml"
    except expat.ExpatError as error:
        raise Malformed("xml") from error


def render_body(message: Mapping[str, Any], body_format: BodyFormat) -> bytes:
    """Write a message. In XML, strings become CDATA, a list repeats its element, and a mapping nests."""
    if body_format == "json":
        return orjson.dumps(message)
    return f"<xml>{_elements(message)}</xml>".encode()


class _XmlReader:
    """Builds a dictionary while expat reads: leaves are strings, repeated elements become a list."""

    __slots__ = ("_count", "_stack", "_text")

    def __init__(self) -> None:
        self._stack: list[dict[str, Any]] = [{}]
        self._text: list[str] = []
        self._count = 0

    def read(self, body: bytes) -> dict[str, Any]:
        # The encoding is fixed: a declared one would choose among Python's codecs.
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.Parse(body, True)
        root = next(iter(self._stack[0].values()))
        return root if isinstance(root, dict) else {}

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._stack) > MAX_DEPTH:
            raise Malformed("bounds")
        self._text.clear()
        self._stack.append({})

    def _end(self, name: str) -> None:
        children = self._stack.pop()
        value: Any = children or "".join(self._text)
        self._text.clear()
        parent = self._stack[-1]
        if name not in parent:
            parent[name] = value
        elif isinstance(parent[name], list):
            parent[name].append(value)
        else:
            parent[name] = [parent[name], value]


def _refuse_doctype(name: str, system_id: str | None, public_id: str | None, has_internal_subset: bool) -> None:
    raise Malformed("doctype")


def load_json(body: bytes, *, max_elements: int = MAX_ELEMENTS) -> Any:
    """Any JSON value, in bounds. Raises Malformed.

    What orjson refuses is read once more, tolerant of raw control characters and halves of surrogate pairs in strings.
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _JsonBounds(max_elements, clean=True).check(_reread_json(body), MAX_DEPTH)
    return _JsonBounds(max_elements, clean=b"\\u0000" in body).check(found, MAX_DEPTH)


def _parse_json(body: bytes) -> dict[str, Any]:
    found = load_json(body)
    if not isinstance(found, dict):
        raise Malformed("json")
    return found


def _reread_json(body: bytes) -> Any:
    try:
        return orjson.loads(json.dumps(json.loads(body, strict=False), ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise Malformed("json") from error


class _JsonBounds:
    """Refuses what is too deep or too large, and takes out NUL, which the database cannot keep."""

    __slots__ = ("_clean", "_left")

    def __init__(self, max_elements: int, *, clean: bool) -> None:
        self._clean = clean
        self._left = max_elements

    def check(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return value.replace("\0", "") if self._clean else value
        if not isinstance(value, dict | list):
            return value
        self._left -= len(value)
        if not depth or self._left < 0:
            raise Malformed("bounds")
        if isinstance(value, list):
            return [self.check(item, depth - 1) for item in value]
        return {key.replace("\0", ""): self.check(item, depth - 1) for key, item in value.items()}


def _elements(message: Mapping[str, Any]) -> str:
    return "".join(_element(name, value) for name, value in message.items())


def _element(name: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, Mapping):
        return f"<{name}>{_elements(value)}</{name}>"
    if isinstance(value, int | float):
        return f"<{name}>{value}</{name}>"
    # A CDATA section cannot contain its own end, so the end is cut in two halves in two sections.
    text = _NOT_XML.sub("", str(value)).replace("]]>", "]]]]><![CDATA[>")
    return f"<{name}><![CDATA[{text}]]></{name}>"
