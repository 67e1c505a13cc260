"""A strict reader of RFC 8259 JSON that keeps every number as it was written.

Python's own `json` accepts NaN, lone surrogates and duplicate keys, and recurses: none of that will do
for an oracle. This reader walks the text with an explicit stack, so nesting costs memory, not the
process.
"""

import json
import re


class InvalidJson(Exception):
    """The bytes are not exactly one JSON text; the message says why."""


class Number:
    """A JSON number, known by its text."""

    def __init__(self, text):
        self.text = text

    def integer(self):
        """The value, or None where the number has a fraction or an exponent.

        Nothing listed needs more than 19 digits. What has more is answered by ±10^30, which is outside
        every range, so that no quadratic conversion is ever run over foreign digits.
        """
        if not re.fullmatch(r"-?[0-9]+", self.text):
            return None
        if len(self.text) > 25:
            return -(10**30) if self.text.startswith("-") else 10**30
        return int(self.text)

    def __eq__(self, other):
        return isinstance(other, Number) and self.text == other.text

    def __hash__(self):
        return hash(self.text)

    def __repr__(self):
        return f"Number({self.text})"


NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
PLAIN_STRING_PART = re.compile(r'[^"\\\x00-\x1f]+')
WHITESPACE = re.compile(r"[ \t\n\r]*")
HEX4 = re.compile(r"[0-9A-Fa-f]{4}")
SHORT_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
LITERALS = {"true": True, "false": False, "null": None}


def parse(raw):
    """The one value in `raw` (bytes). Objects are dicts, numbers `Number`s."""
    value, _ = parse_with_spans(raw)
    return value


def parse_with_spans(raw):
    """As `parse`; also, for a top-level object, the raw bytes of each member's value."""
    try:
        text = raw.decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise InvalidJson("invalid UTF-8") from None
    return _Reader(text).document()


def members(raw):
    """The values and raw bytes of an object's members, told apart by grammar alone: what stands inside a
    member may have duplicate keys, lone surrogates or bytes that are no UTF-8."""
    reader = _Reader(raw.decode("latin-1"), encoding="latin-1", is_strict=False)
    value, spans = reader.document()
    if not isinstance(value, dict):
        raise InvalidJson("not an object")
    return value, spans


class _Frame:
    """A container that is being filled."""

    def __init__(self, container, start):
        self.container = container
        self.start = start
        self.key = None
        self.value_start = None


class _Reader:
    def __init__(self, text, encoding="utf-8", is_strict=True):
        self.text = text
        self.encoding = encoding
        self.is_strict = is_strict
        self.at = 0
        self.spans = {}

    def document(self):
        stack = []
        self.skip_whitespace()
        while True:
            value_start = self.at
            first = self.peek()
            if first == "{" or first == "[":
                self.at += 1
                self.skip_whitespace()
                frame = _Frame({} if first == "{" else [], value_start)
                if self.peek() == ("}" if first == "{" else "]"):
                    self.at += 1
                    value = frame.container
                else:
                    stack.append(frame)
                    if first == "{":
                        self.read_key(frame, len(stack))
                    continue
            else:
                value = self.scalar(first)

            # A value is complete: hand it to its container, and close what it closes.
            while stack:
                frame = stack[-1]
                if isinstance(frame.container, dict):
                    frame.container[frame.key] = value
                    if len(stack) == 1:
                        span = self.text[frame.value_start:self.at]
                        self.spans[frame.key] = span.encode(self.encoding)
                else:
                    frame.container.append(value)
                self.skip_whitespace()
                closing = "}" if isinstance(frame.container, dict) else "]"
                mark = self.peek()
                if mark == ",":
                    self.at += 1
                    self.skip_whitespace()
                    if closing == "}":
                        self.read_key(frame, len(stack))
                    break
                if mark != closing:
                    raise InvalidJson(f"expected , or {closing}")
                self.at += 1
                value = stack.pop().container
            else:
                self.skip_whitespace()
                if self.at != len(self.text):
                    raise InvalidJson("text after the value")
                return value, self.spans

    def peek(self):
        return self.text[self.at] if self.at < len(self.text) else ""

    def skip_whitespace(self):
        self.at = WHITESPACE.match(self.text, self.at).end()

    def read_key(self, frame, depth):
        if self.peek() != '"':
            raise InvalidJson("expected a key")
        frame.key = self.string()
        if frame.key in frame.container and (self.is_strict or depth == 1):
            raise InvalidJson("duplicate key")
        self.skip_whitespace()
        if self.peek() != ":":
            raise InvalidJson("expected :")
        self.at += 1
        self.skip_whitespace()
        frame.value_start = self.at

    def scalar(self, first):
        if first == '"':
            return self.string()
        number = NUMBER.match(self.text, self.at)
        if number:
            self.at = number.end()
            return Number(number.group())
        for word, value in LITERALS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        raise InvalidJson("expected a value")

    def string(self):
        self.at += 1
        parts = []
        while True:
            plain = PLAIN_STRING_PART.match(self.text, self.at)
            if plain:
                parts.append(plain.group())
                self.at = plain.end()
            mark = self.peek()
            if mark == '"':
                self.at += 1
                return "".join(parts)
            if mark == "\\":
                parts.append(self.escape())
            elif mark == "":
                raise InvalidJson("unterminated string")
            else:
                raise InvalidJson("raw control character")

    def escape(self):
        kind = self.text[self.at + 1:self.at + 2]
        if kind in SHORT_ESCAPES and kind != "":
            self.at += 2
            return SHORT_ESCAPES[kind]
        if kind != "u":
            raise InvalidJson("unknown escape")
        unit = self.code_unit()
        if not self.is_strict:
            return chr(unit)
        if 0xDC00 <= unit <= 0xDFFF:
            raise InvalidJson("lone surrogate")
        if 0xD800 <= unit <= 0xDBFF:
            if self.text[self.at:self.at + 2] != "\\u":
                raise InvalidJson("lone surrogate")
            low = self.code_unit()
            if not 0xDC00 <= low <= 0xDFFF:
                raise InvalidJson("lone surrogate")
            return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        return chr(unit)

    def code_unit(self):
        digits = HEX4.match(self.text, self.at + 2)
        if not digits:
            raise InvalidJson("unknown escape")
        self.at += 6
        return int(digits.group(), 16)


def dump(value):
    """JSON text of a value; a `Number` is written as it was read. Keys keep the order of the dict."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(dump(key) + ":" + dump(item) for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(dump(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
