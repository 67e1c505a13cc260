"""JSON text that says the same in different ways: escapes, spaces, nulls, fields nobody knows."""

ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}


class Literal(str):
    """Text that goes into the JSON as it is."""


def string_text(rng, string):
    escaping = 0.0 if rng.random() < 0.9 else 0.3
    parts = []
    for character in string:
        if rng.random() < escaping:
            units = character.encode("utf-16-be")
            pattern = rng.choice(("\\u%04x", "\\u%04X"))
            parts += [pattern % int.from_bytes(units[at:at + 2], "big") for at in range(0, len(units), 2)]
        elif character == "/" and rng.random() < 0.2:
            parts.append("\\/")
        elif character in ESCAPED:
            parts.append(ESCAPED[character])
        elif character < " ":
            parts.append("\\u%04x" % ord(character))
        else:
            parts.append(character)
    return '"' + "".join(parts) + '"'


def value_text(rng, value):
    if isinstance(value, Literal):
        return str(value)
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(
            string_text(rng, key) + ":" + value_text(rng, item) for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(value_text(rng, item) for item in value) + "]"
    return string_text(rng, value)


def object_text(rng, fields):
    """An event of these fields. Absent fields may be spelled out as null, the order may change."""
    members = [(key, value) for key, value in fields.items() if value is not None or rng.random() < 0.3]
    for name in ("to_tag", "cseq", "by", "reason", "extra", "min_se", "bye_sent", "fwd_refresher"):
        if name not in fields and rng.random() < 0.01:
            members.append((name, None))
    if rng.random() < 0.1:
        members.append(rng.choice((
            ("x-note", {"callid": "nested", "a": [1, {"b": None}, Literal("-0.0e+1")]}),
            ("Callid", "other case"), ("", "empty key"), ("\ufefftype", "bom"), ("\U0001f600", []))))
    if rng.random() < 0.1:
        rng.shuffle(members)
    spaced = rng.random() < 0.1
    colon, comma = (" : ", "\t, ") if spaced else (":", ",")
    return "{" + comma.join(
        string_text(rng, key) + colon + value_text(rng, value) for key, value in members) + "}"
