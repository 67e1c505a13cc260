"""Which bytes are a valid event: the page on call events, "Validity", rule by rule.

Only `future` is a reason that the contract names. The other texts are this oracle's own: compare
whether there is one, not what it says.
"""

import re

from strict_json import InvalidJson, Number, parse

EVENT_BYTES_MAX = 65_536
TIME_MAX = 253_402_300_799_999_999
FUTURE_MICROSECONDS = 24 * 3600 * 1_000_000
INT64_MAX = 2**63 - 1

REQUIRED = {
    "dialog.trying": ["cseq"],
    "dialog.early": ["cseq", "sip_code"],
    "dialog.confirmed": ["to_tag", "cseq", "sip_code"],
    "dialog.acked": ["to_tag"],
    "dialog.alive": ["to_tag"],
    "dialog.failed": ["cseq", "sip_code", "by"],
    "dialog.terminated": ["to_tag", "by"],
    "refresh.requested": ["to_tag", "cseq", "method", "by"],
    "refresh.accepted": ["to_tag", "cseq", "method", "by"],
    "refresh.failed": ["to_tag", "cseq", "method", "by", "sip_code"],
    "timeout.early": [],
    "timeout.session": ["to_tag"],
    "timeout.lifetime": ["to_tag"],
    "timeout.no_ack": ["to_tag"],
    "timeout.ping": ["to_tag"],
    "timeout.media": ["to_tag"],
    "source.started": [],
    "source.heartbeat": [],
    "source.stopped": [],
    "ledger.tick": [],
    "ledger.expired": ["callid", "from_tag", "deadline"],
    "ledger.gap": ["gap_source", "gap_epoch", "from_seq", "to_seq"],
    "ledger.rejected": ["reason"],
}

SIP_CODES = {
    "dialog.early": (101, 199),
    "dialog.confirmed": (200, 299),
    "dialog.failed": (300, 699),
    "refresh.accepted": (200, 299),
    "refresh.failed": (300, 699),
}

SOURCE = re.compile(r"[A-Za-z0-9._:/-]{1,64}")


def string(value):
    return isinstance(value, str)


def bytes_between(low, high):
    return lambda value: isinstance(value, str) and low <= len(value.encode("utf-8")) <= high


def integer(value):
    return isinstance(value, Number) and value.integer() is not None


def integer_between(low, high):
    return lambda value: integer(value) and low <= value.integer() <= high


def one_of(*words):
    return lambda value: isinstance(value, str) and value in words


def boolean(value):
    return value is True or value is False


def extra_object(value):
    return isinstance(value, dict) and all(isinstance(item, (str, Number)) for item in value.values())


def source_name(value):
    return isinstance(value, str) and SOURCE.fullmatch(value) is not None


SECONDS = integer_between(0, 4_294_967_295)

# A listed field whose range the contract does not give is checked for its type alone.
FIELDS = {
    "type": string,
    "time": integer_between(0, TIME_MAX),
    "callid": bytes_between(1, 255),
    "from_tag": bytes_between(1, 128),
    "to_tag": bytes_between(1, 128),
    "cseq": integer_between(0, 2_147_483_647),
    "method": string,
    "by": one_of("caller", "callee", "proxy", "admin"),
    "sip_code": integer,
    "sip_reason": string,
    "reason": string,
    "extra": extra_object,
    "session_expires": SECONDS,
    "refresher": one_of("uac", "uas"),
    "min_se": SECONDS,
    "supported_timer": boolean,
    "require_timer": boolean,
    "fwd_session_expires": SECONDS,
    "fwd_refresher": one_of("uac", "uas"),
    "fwd_min_se": SECONDS,
    "from_uri": string,
    "to_uri": string,
    "request_uri": string,
    "src_ip": string,
    "user_agent": string,
    "lifetime": SECONDS,
    "bye_sent": boolean,
    "active": integer,
}

# Fields that only the ledger's own entries have; checked in those.
LEDGER_FIELDS = {
    "deadline": integer,
    "gap_source": source_name,
    "gap_epoch": integer_between(1, INT64_MAX),
    "from_seq": integer_between(1, INT64_MAX),
    "to_seq": integer_between(1, INT64_MAX),
    "after": integer,
    "before": integer,
    "raw": string,
    "of_source": string,
    "of_epoch": integer,
    "of_seq": integer,
}


def validate(raw, source, now=None):
    """None for a valid event, else the reason it is rejected. `now` is the ledger's clock on arrival;
    without it nothing is too far ahead."""
    try:
        event = parse(raw)
    except InvalidJson as error:
        return "oversized" if len(raw) > EVENT_BYTES_MAX else f"json: {error}"
    if not isinstance(event, dict):
        return "not an object"
    # A rejected event may itself be as long as the limit, and its bytes are kept in base64.
    if len(raw) > EVENT_BYTES_MAX and event.get("type") != "ledger.rejected":
        return "oversized"
    return _validate_object(event, source, now)


def _validate_object(event, source, now):
    kind = event.get("type")
    for name in ("type", "time"):
        if event.get(name) is None:
            return f"missing: {name}"
        if not FIELDS[name](event[name]):
            return f"field: {name}"
    if kind.startswith("ledger.") and source != "ledger":
        return "reserved type"
    if kind in REQUIRED:
        reason = _validate_known(event, kind)
        if reason:
            return reason
    if now is not None and event["time"].integer() > now + FUTURE_MICROSECONDS:
        return "future"
    return None


def _validate_known(event, kind):
    checks = dict(FIELDS)
    if kind in SIP_CODES:
        checks["sip_code"] = integer_between(*SIP_CODES[kind])
    if kind.startswith("ledger."):
        checks.update(LEDGER_FIELDS)
    for name, is_good in checks.items():
        value = event.get(name)
        if value is not None and not is_good(value):
            return f"field: {name}"
    required = list(REQUIRED[kind])
    if kind.split(".")[0] in ("dialog", "refresh", "timeout"):
        required += ["callid", "from_tag"]
    for name in required:
        if event.get(name) is None:
            return f"missing: {name}"
    return None
