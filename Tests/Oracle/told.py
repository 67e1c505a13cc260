"""A short way to tell a call in a test: events as calls of functions, times in microseconds."""

import json

from audit import audit
from cdrs import Policy, cdrs
from generate_text import Literal
from log import Event, Log
from strict_json import parse
from timers import leg_rows, statistics

S = 1_000_000


def event(kind, time, /, source="k", epoch=1, seq=None, **fields):
    """An event of call ("c", "f"), unless `callid` and `from_tag` say otherwise or are None."""
    fields = {"type": kind, "time": time, "callid": "c", "from_tag": "f", **fields}
    fields = {key: value for key, value in fields.items() if value is not None}
    return source, epoch, seq, fields


def trying(time, cseq=1, **fields):
    return event("dialog.trying", time, cseq=cseq, **fields)


def early(time, cseq=1, sip_code=180, **fields):
    return event("dialog.early", time, cseq=cseq, sip_code=sip_code, **fields)


def confirmed(time, to_tag="t", cseq=1, sip_code=200, **fields):
    return event("dialog.confirmed", time, to_tag=to_tag, cseq=cseq, sip_code=sip_code, **fields)


def timed(time, interval, refresher="uac", **fields):
    return confirmed(time, session_expires=interval, refresher=refresher, **fields)


def failed(time, sip_code, cseq=1, by="callee", **fields):
    return event("dialog.failed", time, cseq=cseq, sip_code=sip_code, by=by, **fields)


def bye(time, by="caller", to_tag="t", **fields):
    return event("dialog.terminated", time, to_tag=to_tag, by=by, **fields)


def timeout(kind, time, to_tag="t", **fields):
    return event("timeout." + kind, time, to_tag=to_tag, **fields)


def refresh(kind, time, cseq=2, method="INVITE", by="caller", to_tag="t", **fields):
    return event("refresh." + kind, time, to_tag=to_tag, cseq=cseq, method=method, by=by, **fields)


def accepted(time, interval=None, refresher=None, **fields):
    return refresh("accepted", time, session_expires=interval, refresher=refresher, **fields)


def expired(time, deadline, to_tag="t", **fields):
    return event("ledger.expired", time, source="ledger", to_tag=to_tag, deadline=deadline, **fields)


def gap(time, first, final, after=None, before=None, gap_source="k", gap_epoch=1, **fields):
    return event("ledger.gap", time, source="ledger", callid=None, from_tag=None, gap_source=gap_source,
                 gap_epoch=gap_epoch, from_seq=first, to_seq=final, after=after, before=before, **fields)


def log(*events):
    """Positions and, where none is given, sequence numbers in the order of the arguments."""
    counts = {}
    entries = []
    for position, (source, epoch, seq, fields) in enumerate(events, start=1):
        counts[(source, epoch)] = counts.get((source, epoch), 0) + 1
        seq = counts[(source, epoch)] if seq is None else seq
        entries.append(Event(position, source, epoch, seq, parse(_text(fields).encode("utf-8"))))
    return Log(entries)


def _text(value):
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(key) + ":" + _text(item) for key, item in value.items()) + "}"
    return json.dumps(value)


def cdrs_of(*events, policy=None):
    return cdrs(log(*events), Policy(policy) if policy else Policy())


def cdr_of(*events, policy=None):
    """The one CDR."""
    rows = cdrs_of(*events, policy=policy)
    assert len(rows) == 1, rows
    return rows[0]


def row_of(*events, as_of=None):
    """The one row of `timers`."""
    told = log(*events)
    rows = leg_rows(told, told.as_of() if as_of is None else as_of)
    assert len(rows) == 1, rows
    return rows[0]


def verdicts_of(*events, as_of=None):
    return [mark["verdict"] for mark in row_of(*events, as_of=as_of)["marks"]]


def statistics_of(by, *events, as_of=None):
    told = log(*events)
    return statistics(told, by, told.as_of() if as_of is None else as_of)


def findings_of(*events, as_of=None, policy=None):
    told = log(*events)
    return audit(told, policy or Policy(), told.as_of() if as_of is None else as_of)


def found(code, *events, as_of=None):
    """(at, to_tag, positions) of the findings of one code."""
    return [(it["at"], it["to_tag"], it["positions"])
            for it in findings_of(*events, as_of=as_of) if it["code"] == code]
