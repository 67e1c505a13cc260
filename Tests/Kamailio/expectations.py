"""Compares what came with what expected.json says."""

import json
import os

KAMAILIO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "kamailio")
EXACT = ("cseq", "method", "by", "sip_code", "session_expires", "refresher", "min_se", "fwd_session_expires",
         "fwd_refresher", "fwd_min_se", "bye_sent", "lifetime", "reason", "extra")
WITHOUT_CSEQ = ("dialog.acked", "dialog.terminated")
WITH_TO_TAG = ("dialog.early", "dialog.confirmed", "dialog.acked", "dialog.alive", "dialog.failed", "dialog.terminated",
               "refresh.requested", "refresh.accepted", "refresh.failed", "timeout.session", "timeout.lifetime",
               "timeout.no_ack", "timeout.ping")
DURATION_TOLERANCE_MS = 100
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
    events = sorted(events, key=lambda event: event["time"])
    types = [event["type"] for event in events]
    wanted = [event["type"] for event in expected]
    if types != wanted:
        return ["events are %s, not %s" % (", ".join(types), ", ".join(wanted))]
    found = []
    for number, (want, event) in enumerate(zip(expected, events), 1):
        want = dict(want, from_tag="a1")
        if want["type"] in WITH_TO_TAG:
            want.setdefault("to_tag", "b1")
        have = decisive(event, want)
        if want.get("to_tag") == "*":
            want["to_tag"] = have.get("to_tag")
        if have != want:
            found.append("event %d is %r, not %r" % (number, have, want))
    return found


def near(milliseconds, wanted):
    if isinstance(wanted, list):
        return wanted[0] <= milliseconds <= wanted[1]
    return abs(milliseconds - wanted) <= (DURATION_TOLERANCE_MS if wanted else 0)


def differences_of_records(expected, records, legs):
    """What is different; `records` and `legs` are the rows of `cdrs` and `timers` of one call."""
    if len(records) != len(expected):
        return ["%d records, not %d" % (len(records), len(expected))]
    found = []
    for want, record in zip(expected, sorted(records, key=lambda record: record["leg"])):
        leg = next((leg for leg in legs if leg["to_tag"] == record["to_tag"]), {})
        for name, value in want.items():
            if name in ("duration_ms", "setup_ms"):
                have = record[name.replace("_ms", "_us")] / 1000
                if not near(have, value):
                    found.append("%s is %.0f, not %s" % (name, have, value))
            elif name == "marks":
                found += differences_of_marks(value, leg.get("marks", []))
            else:
                have = leg.get("hung") if name == "hung" else record[name]
                if have != value:
                    found.append("%s is %r, not %r" % (name, have, value))
    return found


def differences_of_marks(expected, marks):
    have = [{name: mark[name] for name in ("interval", "refresher", "verdict")} for mark in marks]
    want = [{name: mark[name] for name in ("interval", "refresher", "verdict")} for mark in expected]
    if have != want:
        return ["marks are %r, not %r" % (have, want)]
    found = []
    for want, mark, after in zip(expected, marks, marks[1:]):
        strict = strict_verdict(after["time"] - mark["time"], mark["interval"] * SECOND)
        if strict != want.get("strict", want["verdict"]):
            found.append("without tolerance a mark is %s, not %s" % (strict, want.get("strict", want["verdict"])))
    return found


def strict_verdict(delta, interval):
    """The verdict on a refresh `delta` microseconds after the mark before, by a tolerance of 0."""
    if delta > interval:
        return "overdue"
    if 2 * delta <= interval:
        return "on_time"
    return "late" if delta <= interval - min(32 * SECOND, interval / 3) else "critical"
