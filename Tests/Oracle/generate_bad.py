"""Lines that must be rejected, one kind each."""

import json

TIME = 1_700_000_000_000_000
TRYING = {"type": "dialog.trying", "time": TIME, "callid": "c1", "from_tag": "f1", "cseq": 1}
CONFIRMED = {**TRYING, "type": "dialog.confirmed", "to_tag": "t1", "sip_code": 200}
REQUESTED = {**TRYING, "type": "refresh.requested", "to_tag": "t1", "method": "INVITE", "by": "caller"}
REFRESH_FAILED = {**REQUESTED, "type": "refresh.failed", "sip_code": 408}
FAILED = {**TRYING, "type": "dialog.failed", "sip_code": 486, "by": "callee"}
TERMINATED = {"type": "dialog.terminated", "time": TIME, "callid": "c1", "from_tag": "f1", "to_tag": "t1",
              "by": "caller"}
TIMEOUT = {**TERMINATED, "type": "timeout.session", "by": None}
STRINGS = ("type", "callid", "from_tag", "to_tag", "method", "by", "sip_reason", "reason", "refresher",
           "fwd_refresher", "from_uri", "to_uri", "request_uri", "src_ip", "user_agent")
SECONDS = ("session_expires", "min_se", "fwd_session_expires", "fwd_min_se", "lifetime")
BOOLEANS = ("supported_timer", "require_timer", "bye_sent")


def text(event, **changes):
    """The event with fields changed; a field set to `...` is left out."""
    merged = {**event, **changes}
    return json.dumps({key: value for key, value in merged.items() if value is not ...},
                      ensure_ascii=False, separators=(",", ":"))


def replaced(event, name, raw):
    """The event with the raw text of one field's value given."""
    return text(event, **{name: "@@"}).replace('"@@"', raw)


def invalid_events():
    """(name, text) of events that are JSON and still invalid; the text is str or bytes."""
    for name in ("type", "time", "callid", "from_tag", "cseq"):
        yield f"missing {name}", text(TRYING, **{name: ...})
        yield f"null {name}", text(TRYING, **{name: None})
    for name in ("to_tag", "cseq", "sip_code"):
        yield f"confirmed without {name}", text(CONFIRMED, **{name: ...})
    for name in ("to_tag", "cseq", "method", "by"):
        yield f"refresh without {name}", text(REQUESTED, **{name: ...})
    yield "refresh.failed without sip_code", text(REFRESH_FAILED, sip_code=...)
    for name in ("cseq", "sip_code", "by"):
        yield f"failed without {name}", text(FAILED, **{name: ...})
    for name in ("to_tag", "by"):
        yield f"terminated without {name}", text(TERMINATED, **{name: ...})
    for kind in ("session", "lifetime", "no_ack", "ping", "media"):
        yield f"timeout.{kind} without to_tag", text(TIMEOUT, type="timeout." + kind, to_tag=...)
    yield "timeout.early without callid", text(TIMEOUT, type="timeout.early", callid=...)
    for kind in ("acked", "alive"):
        yield f"{kind} without to_tag", text(TERMINATED, type="dialog." + kind, to_tag=...)

    for event, bounds in ((CONFIRMED, (199, 300)), (FAILED, (299, 700)), (REFRESH_FAILED, (299, 700)),
                          ({**REQUESTED, "type": "refresh.accepted"}, (199, 300)),
                          ({**TRYING, "type": "dialog.early"}, (100, 200))):
        for code in bounds:
            yield f"{event['type']} {code}", text(event, sip_code=code)

    for name in STRINGS:
        yield f"{name} a number", text(TERMINATED, **{name: 5})
        yield f"{name} a list", text(TERMINATED, **{name: []})
    for name in SECONDS:
        for value in (-1, 4_294_967_296, "90", True):
            yield f"{name} {value!r}", text(TRYING, **{name: value})
    for name in BOOLEANS:
        for value in (0, "true"):
            yield f"{name} {value!r}", text(TRYING, **{name: value})
    for value in ("boss", "Caller", ""):
        yield f"by {value!r}", text(TERMINATED, by=value)
    yield "by where nobody expects it", text(TRYING, by="nobody")
    yield "refresher", text(TRYING, refresher="UAC")
    for name, value in (("callid", ""), ("callid", "x" * 256), ("callid", "\u20ac" * 86), ("from_tag", ""),
                        ("from_tag", "f" * 129), ("to_tag", ""), ("to_tag", "\u00e9" * 65)):
        yield f"{name} of {len(value.encode('utf-8'))} bytes", text(TRYING, **{name: value})
    for value in (-1, 2_147_483_648):
        yield f"cseq {value}", text(TRYING, cseq=value)
    for value in (-1, 253_402_300_800_000_000):
        yield f"time {value}", text(TRYING, time=value)
    yield "future", text(TRYING, time=253_402_300_799_999_999)
    yield "future of an unknown type", text({"type": "x", "time": 253_402_300_799_999_999})
    for raw in ("1.0", "1e0", "1E2", "0.5", '"1"', "true", "9" * 40):
        yield f"cseq {raw[:5]}", replaced(TRYING, "cseq", raw)
    yield "time with exponent", replaced(TRYING, "time", "17e14")
    yield "time of an unknown type with fraction", replaced({"type": "x"}, "time", "1.0")
    yield "unknown type without time", text({"type": "x"})
    for extra in (5, "x", [], {"a": None}, {"a": True}, {"a": {}}, {"a": ["x"]}):
        yield f"extra {extra!r}", text(TRYING, extra=extra)

    yield "ledger type", text({"type": "ledger.tick", "time": TIME})
    yield "unknown ledger type", text({"type": "ledger.other", "time": TIME})
    yield "duplicate key", text(TRYING)[:-1] + ',"cseq":1}'
    yield "duplicate key, escaped", text(TRYING)[:-1] + ',"c\\u0073eq":1}'
    yield "duplicate unlisted key", text(TRYING)[:-1] + ',"x":1,"x":1}'
    yield "duplicate key, nested", text(TRYING)[:-1] + ',"x":[{"y":{"a":1,"\\u0061":2}}]}'
    yield "duplicate key in extra", text(TRYING)[:-1] + ',"extra":{"a":"1","a":"1"}}'
    yield "duplicate null key", text(TRYING)[:-1] + ',"to_tag":null,"to_tag":null}'
    yield "duplicate key of an unknown type", '{"type":"x","time":1,"a":1,"a":1}'
    yield "lone high surrogate", replaced(TRYING, "x", '"\\ud83d"')
    yield "lone high surrogate before a character", replaced(TRYING, "x", '"\\ud83dx"')
    yield "two high surrogates", replaced(TRYING, "x", '"\\ud83d\\ud83d"')
    yield "lone low surrogate", replaced(TRYING, "callid", '"\\uDE00"')
    yield "surrogates in the wrong order", replaced(TRYING, "callid", '"\\uDE00\\uD83D"')
    yield "lone surrogate in a key", text(TRYING)[:-1] + ',"\\ud800":1}'
    for raw in ("[]", '"dialog.trying"', "5", "null", "true", "{}"):
        yield f"no event: {raw}", raw
    yield "65,537 bytes", padded(65_537)
    yield "65,537 bytes of an unknown type", padded(65_537, {"type": "x", "time": TIME})


def broken_texts():
    """(name, bytes) of texts that are no JSON at all."""
    for name, raw in (("NaN", "NaN"), ("Infinity", "-Infinity"), ("leading zero", "01"), ("plus", "+1"),
                      ("bare fraction", ".5"), ("open fraction", "1."), ("open exponent", "1e"),
                      ("hexadecimal", "0x1"), ("minus alone", "-"), ("word", "nul"), ("case", "True"),
                      ("unknown escape", '"\\a"'), ("short escape", '"\\u12"'), ("single quotes", "'a'"),
                      ("control character", '"\x01"'), ("raw tab", '"\t"'), ("trailing comma", "[1,]"),
                      ("comma alone", "[,]"), ("unclosed", "[1"), ("wrong bracket", "[1}"),
                      ("key without value", '{"a"}'), ("trailing comma in an object", '{"a":1,}'),
                      ("number for a key", "{1:1}"), ("wide digits", "\uff11"), ("comment", "1/**/")):
        yield name, replaced(TRYING, "x", raw).encode("utf-8")
    for name, raw in (("continuation byte", b"\x80"), ("overlong", b"\xc0\xaf"), ("surrogate",
        b"\xed\xa0\x80"),
                      ("above U+10FFFF", b"\xf4\x90\x80\x80"), ("cut off", b"\xe2\x82"), ("0xFF", b"\xff")):
        yield "UTF-8: " + name, replaced(TRYING, "x", '"@"').encode("utf-8").replace(b"@", raw)
    yield "UTF-8 in a key", text(TRYING)[:-1].encode("utf-8") + b',"\xff":1}'
    yield "two objects", (text(TRYING) + text(TRYING)).encode("utf-8")
    yield "text after the object", (text(TRYING) + "x").encode("utf-8")
    yield "nothing but a word", b"dialog.trying"
    yield "deep and unclosed", b"[" * 60_000
    yield "deep objects, unclosed", b'{"a":' * 13_000
    yield "byte order mark", b"\xef\xbb\xbf" + text(TRYING).encode("utf-8")


def valid_edges():
    """(name, text) of events at the good side of the same bounds."""
    yield "plain", text(TRYING)
    yield "65,536 bytes", padded(65_536)
    yield "deep", text(TRYING)[:-1] + ',"x":' + "[" * 30_000 + "]" * 30_000 + "}"
    yield "callid of 255 bytes", text(TRYING, callid="\u20ac" * 85)
    yield "tag of 128 bytes", text(TRYING, from_tag="\u00e9" * 64)
    yield "null to_tag", text(TRYING, to_tag=None)
    yield "cseq at its end", text(TRYING, cseq=2_147_483_647)
    yield "seconds at their ends", text(TRYING, session_expires=0, min_se=4_294_967_295)
    yield "time 0", text(TRYING, time=0)
    yield "pair of surrogates", replaced(TRYING, "x", '"\\ud83d\\uDE00"')
    yield "escaped key", text(TRYING).replace('"cseq"', '"c\\u0073eq"')
    yield "unknown type with wrong fields", '{"type":"x","time":0,"callid":5,"extra":[]}'
    yield "numbers in extra", replaced(TRYING, "extra", '{"":-0,"a":1e5,"b":12345678901234567890}')
    yield "the same key in two objects", replaced(TRYING, "x", '[{"a":1},{"a":1}]')
    yield "spaces", " \t" + text(TRYING).replace(":", " : ", 2) + " \r"
    for event, codes in ((CONFIRMED, (200, 299)), (FAILED, (300, 699)), (REFRESH_FAILED, (300, 699)),
                         ({**TRYING, "type": "dialog.early"}, (101, 199))):
        for code in codes:
            yield f"{event['type']} {code}", text(event, sip_code=code)


def padded(size, event=None):
    base = text(event or TRYING)[:-1] + ',"pad":"'
    return base + "x" * (size - len(base) - 2) + '"}'


def add_bad(world):
    """Each invalid event under a number of its own, broken texts as bare lines, and conflicts."""
    for _, raw in invalid_events():
        source = world.rng.choice(("kam1", "kam2", "bad"))
        world.add(source, 1, world.take_seq(source, 1), raw)
    for _, raw in valid_edges():
        world.add("edge", 1, world.take_seq("edge", 1), raw)
    for _, raw in broken_texts():
        world.lines.append(raw)
        # Inside a line that names an identity the line itself is no JSON: whose number is it then?
        if world.ambiguous:
            world.add("broken", 1, world.take_seq("broken", 1), raw)
    for line in world.rng.sample(world.lines, min(5, len(world.lines))):
        if line.startswith(b'{"source":"kam'):
            head = line.split(b'"event":', 1)[0]
            world.lines.append(head + b'"event":' + text(TRYING, reason="conflict").encode("utf-8") + b"}")
