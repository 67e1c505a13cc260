"""The rules of an event, as the contract states them, written down once more so that the emitter is held to
them without the service: which fields, which types, which ranges."""

import json

SESSION = {"session_expires", "refresher", "min_se", "supported_timer", "require_timer",
           "fwd_session_expires", "fwd_refresher", "fwd_min_se"}
COMMON = {"type", "time", "callid", "from_tag", "sip_reason", "reason", "extra"}
SIDES = ("caller", "callee", "proxy", "admin")

# type: required besides type, time (and callid, from_tag for those of a call), optional
TYPES = {
    "dialog.trying": ({"cseq"}, {"from_uri", "to_uri", "request_uri", "src_ip", "user_agent"} | SESSION),
    "dialog.early": ({"cseq", "sip_code"}, {"to_tag"}),
    "dialog.confirmed": ({"to_tag", "cseq", "sip_code"}, {"user_agent", "lifetime"} | SESSION),
    "dialog.acked": ({"to_tag"}, {"cseq"}),
    "dialog.alive": ({"to_tag"}, {"by", "sip_code"}),
    "dialog.failed": ({"cseq", "sip_code", "by"}, {"to_tag", "min_se"}),
    "dialog.terminated": ({"to_tag", "by"}, {"cseq"}),
    "refresh.requested": ({"to_tag", "cseq", "method", "by"}, SESSION),
    "refresh.accepted": ({"to_tag", "cseq", "method", "by"}, {"sip_code"} | SESSION),
    "refresh.failed": ({"to_tag", "cseq", "method", "by", "sip_code"}, {"min_se"}),
    "timeout.early": (set(), {"cseq"}),
    "timeout.session": ({"to_tag"}, {"bye_sent"}),
    "timeout.lifetime": ({"to_tag"}, {"lifetime", "bye_sent"}),
    "timeout.no_ack": ({"to_tag"}, {"bye_sent"}),
    "timeout.ping": ({"to_tag"}, {"bye_sent"}),
    "timeout.media": ({"to_tag"}, {"bye_sent"}),
    "source.started": (set(), {"user_agent"}),
    "source.heartbeat": (set(), {"active"}),
    "source.stopped": (set(), set()),
}
CODES = {"dialog.early": (101, 199), "dialog.confirmed": (200, 299), "refresh.accepted": (200, 299),
         "dialog.failed": (300, 699), "refresh.failed": (300, 699)}
SECONDS = {"session_expires", "min_se", "fwd_session_expires", "fwd_min_se"}
BOOLEANS = {"supported_timer", "require_timer", "bye_sent"}
TEXTS = {"sip_reason", "reason", "from_uri", "to_uri", "request_uri", "src_ip", "user_agent", "method"}


def distinct(pairs):
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise ValueError("a key twice")
    return dict(pairs)


def integer(value, low, high):
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def broken_rule(line):
    """What is wrong with the event in `line` (bytes), in words; None if nothing is."""
    if len(line) > 65536:
        return "more than 65,536 bytes"
    try:
        event = json.loads(line.decode("utf-8"), object_pairs_hook=distinct)
        json.dumps(event, ensure_ascii=False).encode("utf-8")     # a lone surrogate does not survive this
    except ValueError as error:
        return str(error)
    if not isinstance(event, dict):
        return "no object"
    kind = event.get("type")
    if kind not in TYPES:
        return "unknown type %r" % (kind,)
    if not integer(event.get("time"), 0, 253402300799999999):
        return "time"
    required, optional = TYPES[kind]
    if not kind.startswith("source."):
        required = required | {"callid", "from_tag"}
    missing = required - event.keys()
    if missing:
        return "without %s" % ", ".join(sorted(missing))
    # Stricter than the contract, which keeps what it does not know: this emitter has no field of its own.
    unknown = event.keys() - required - optional - COMMON
    if unknown:
        return "with %s" % ", ".join(sorted(unknown))
    for name, value in event.items():
        if not field_allowed(kind, name, value):
            return "%s is %r" % (name, value)
    return None


def field_allowed(kind, name, value):
    if name in ("callid",):
        return isinstance(value, str) and 1 <= len(value.encode()) <= 255
    if name in ("from_tag", "to_tag"):
        return isinstance(value, str) and 1 <= len(value.encode()) <= 128
    if name == "cseq":
        return integer(value, 0, 2147483647)
    if name == "sip_code":
        return integer(value, *CODES.get(kind, (100, 699)))
    if name == "by":
        return value in SIDES
    if name in ("refresher", "fwd_refresher"):
        return value in ("uac", "uas")
    if name in SECONDS or name in ("lifetime", "active"):
        return integer(value, 0, 4294967295)
    if name in BOOLEANS:
        return isinstance(value, bool)
    if name in TEXTS:
        return isinstance(value, str) and value != ""
    if name == "extra":
        return isinstance(value, dict) and all(isinstance(v, (str, int, float)) for v in value.values())
    return True
