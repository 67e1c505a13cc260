"""Compares what came with what expected.json says."""

import json
import os

KAMAILIO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "kamailio")
EXACT = (
    "cseq",
    "method",
    "by",
    "sip_code",
    "session_expires",
    "refresher",
    "min_se",
    "fwd_session_expires",
    "fwd_refresher",
    "fwd_min_se",
    "bye_sent",
    "lifetime",
    "reason",
    "extra",
)
WITHOUT_CSEQ = ("dialog.acked", "dialog.terminated")
WITH_TO_TAG = (
    "dialog.early",
    "dialog.confirmed",
    "dialog.acked",
    "dialog.alive",
    "dialog.failed",
    "dialog.terminated",
    "refresh.requested",
    "refresh.accepted",
    "refresh.failed",
    "timeout.session",
    "timeout.lifetime",
    "timeout.no_ack",
    "timeout.ping",
)
DURATION_TOLERANCE_MS = 100
BUSY_MACHINE_MS = 1500
# SIPp notes the time of an INVITE before it sends it, and a call begins while others are being started.
TOLERANCES_MS = {"duration_ms": DURATION_TOLERANCE_MS, "setup_ms": 300}
REFUSAL_TOLD_WITHIN = 20000  # microseconds
SECOND = 1000000


def expected_calls():
    with open(os.path.join(KAMAILIO, "scenarios", "expected.json"), encoding="utf-8") as file:
        return json.load(file)["calls"]


def decisive(event, listed):
    """The fields of `event` that are compared with an expectation that lists `listed`."""
    kept = {"type": event["type"], "from_tag": event.get("from_tag")}
    for name in EXACT:
        if name in event and not (name == "cseq" and event["type"] in WITHOUT_CSEQ):
            kept[name] = event[name]
    for name in listed:
        if name not in kept and name in event:
            kept[name] = event[name]
    if "to_tag" in event:
        kept["to_tag"] = event["to_tag"]
    return kept


def differences_of_events(expected, events):
    """What is different, in words; `events` are those of one call, in any order."""
    events = alive_in_order(refusals_in_order(sorted(events, key=lambda event: event["time"])))
    types = [event["type"] for event in events]
    wanted = [event["type"] for event in expected]
    if types != wanted:
        return ["events are %s, not %s" % (", ".join(types), ", ".join(wanted))]
    found = []
    for number, (want, event) in enumerate(zip(alive_in_order(expected), events), 1):
        want = dict(want, from_tag="a1")
        if want["type"] in WITH_TO_TAG:
            want.setdefault("to_tag", "b1")
        have = decisive(event, want)
        if want.get("to_tag") == "*":
            want["to_tag"] = have.get("to_tag")
        if have != want:
            found.append("event %d is %r, not %r" % (number, have, want))
    return found


def refusals_in_order(events):
    """Kamailio tells of its own stateless refusal after it has sent it: the retry may have been stamped by
    then."""
    events = list(events)
    for at in range(1, len(events)):
        retry, refusal = events[at - 1 : at + 1]
        if (
            refusal["type"] == "dialog.failed"
            and refusal["by"] == "proxy"
            and retry["type"] == "dialog.trying"
            and retry["cseq"] > refusal["cseq"]
            and refusal["time"] - retry["time"] < REFUSAL_TOLD_WITHIN
        ):
            events[at - 1 : at + 1] = refusal, retry
    return events


def alive_in_order(events):
    """Both sides are asked at once: who answers first is nobody's fault."""
    events = list(events)
    for at in range(1, len(events)):
        pair = events[at - 1 : at + 1]
        if {event["type"] for event in pair} == {"dialog.alive"}:
            events[at - 1 : at + 1] = sorted(pair, key=lambda event: event["by"])
    return events


def differences_of_duration(wanted, have, seen, tolerance):
    """`wanted` as in expected.json, `have` and `seen` in milliseconds: the record's, and what SIPp's own log
    says.

    A busy machine makes SIPp's pauses longer, never shorter; what Kamailio tells must follow SIPp all the
    same.
    """
    low, high = (
        wanted
        if isinstance(wanted, list)
        else (wanted - DURATION_TOLERANCE_MS, wanted + DURATION_TOLERANCE_MS)
    )
    if wanted == 0:
        low = high = 0
    elif high > DURATION_TOLERANCE_MS:
        high += BUSY_MACHINE_MS
    found = []
    if not low <= have <= high:
        found.append("%.0f ms is not from %d to %d" % (have, low, high))
    if seen is not None and wanted and abs(have - seen) > tolerance:
        found.append("%.0f ms, but SIPp saw %.0f" % (have, seen))
    return found


def differences_of_records(expected, records, legs, times):
    """What is different; `records` and `legs` are the rows of `cdrs` and `timers` of one call, `times`
    SIPp's."""
    if len(records) != len(expected):
        return ["%d records, not %d" % (len(records), len(expected))]
    found = []
    seen = {
        "setup_ms": milliseconds_between(times, "invite", "refused"),
        "duration_ms": milliseconds_between(times, "answer", "bye") if len(expected) == 1 else None,
    }
    for want, record in zip(expected, sorted(records, key=lambda record: record["leg"])):
        leg = next((leg for leg in legs if leg["to_tag"] == record["to_tag"]), {})
        for name, value in want.items():
            if name in ("duration_ms", "setup_ms"):
                have = record[name.replace("_ms", "_us")] / 1000
                found += differences_of_duration(value, have, seen[name], TOLERANCES_MS[name])
            elif name == "marks":
                found += differences_of_marks(value, leg.get("marks", []))
            else:
                have = leg.get("hung") if name == "hung" else record[name]
                if have != value:
                    found.append("%s is %r, not %r" % (name, have, value))
    return found


def milliseconds_between(times, first, last):
    return (times[last] - times[first]) / 1000 if first in times and last in times else None


def differences_of_marks(expected, marks):
    have = [{name: mark[name] for name in ("interval", "refresher", "verdict")} for mark in marks]
    want = [{name: mark[name] for name in ("interval", "refresher", "verdict")} for mark in expected]
    if have != want:
        return ["marks are %r, not %r" % (have, want)]
    found = []
    for want, mark, after in zip(expected, marks, marks[1:]):
        strict = strict_verdict(after["time"] - mark["time"], mark["interval"] * SECOND)
        if strict != want.get("strict", want["verdict"]):
            found.append(
                "without tolerance a mark is %s, not %s" % (strict, want.get("strict", want["verdict"]))
            )
    return found


def strict_verdict(delta, interval):
    """The verdict on a refresh `delta` microseconds after the mark before, by a tolerance of 0."""
    if delta > interval:
        return "overdue"
    if 2 * delta <= interval:
        return "on_time"
    return "late" if delta <= interval - min(32 * SECOND, interval / 3) else "critical"
