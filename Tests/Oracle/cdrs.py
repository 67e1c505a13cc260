"""Charging records, the billing policy, and the revisions that a log brings about."""

import hashlib

from calls import Call
from log import Gap, arrive, encoded
from strict_json import dump, parse

BUILT_IN_POLICY = b'{"id":"default","hung_call":"last_proof","round_ms":1000,"round":"up","minimum_ms":0}'
HUNG_CALL_OPTIONS = ("last_proof", "session_expiry", "timeout", "hold")

TERMINATIONS = {
    "timeout.session": "session_timeout",
    "timeout.lifetime": "lifetime_timeout",
    "timeout.no_ack": "no_ack",
    "timeout.ping": "ping_timeout",
    "timeout.media": "media_timeout",
    "ledger.expired": "unterminated",
}


class Policy:
    def __init__(self, raw=BUILT_IN_POLICY):
        stated = parse(raw)
        default = parse(BUILT_IN_POLICY)
        if not isinstance(stated.get("id"), str):
            raise ValueError("a policy needs an id")
        values = {**default, **stated}
        self.name = stated["id"] + ":" + hashlib.sha256(raw).hexdigest()[:16]
        self.hung_call = values["hung_call"]
        self.round = values["round"]
        self.round_ms = values["round_ms"].integer()
        self.minimum_ms = values["minimum_ms"].integer()
        if (self.hung_call not in HUNG_CALL_OPTIONS or self.round not in ("up", "down", "nearest")
                or self.round_ms < 1 or self.minimum_ms < 0):
            raise ValueError("a policy value is out of range")

    def milliseconds(self, microseconds):
        """Billable milliseconds of a time that was talked, or of one that can't be (below 0)."""
        unrounded = max(0, microseconds) // 1000
        below = unrounded - unrounded % self.round_ms
        rest = unrounded - below
        if rest == 0 or self.round == "down":
            rounded = below
        elif self.round == "up":
            rounded = below + self.round_ms
        else:
            rounded = below + self.round_ms if 2 * rest >= self.round_ms else below
        return max(rounded, self.minimum_ms) if unrounded >= 1 else rounded

    def guessed(self, leg, ended_at, option):
        """Billable milliseconds of a leg whose end is a guess, taken to have been at `ended_at`."""
        if option == "hold":
            return None
        if option == "last_proof":
            until = leg.last_proof_at
        elif option == "session_expiry" and leg.session_expiry is not None:
            until = min(ended_at, leg.session_expiry)
        else:
            until = ended_at
        return self.milliseconds(until - leg.answered_at)

    def bill(self, leg):
        """(billable_ms, billing_basis) of a leg that has ended."""
        if leg.ending.type in ("dialog.terminated", "timeout.media"):
            basis = "bye" if leg.ending.type == "dialog.terminated" else "media"
            return self.milliseconds(leg.ended_at - leg.answered_at), basis
        basis = "held" if self.hung_call == "hold" else self.hung_call
        return self.guessed(leg, leg.ended_at, self.hung_call), basis


def disposition_without_leg(ending):
    if ending.type == "ledger.expired":
        return "unknown"
    if ending.type == "timeout.early":
        return "no_answer"
    code = ending.get("sip_code")
    if 300 <= code <= 399:
        return "redirected"
    for codes, disposition in (
            ((486, 600), "busy"),
            ((487,), "cancelled"),
            ((408, 480), "no_answer"),
            ((401, 403, 407, 603, 607, 608), "rejected"),
            ((404, 410, 484, 604), "not_found"),
            ((422,), "interval_too_small"),
            ((503,), "congestion")):
        if code in codes:
            return disposition
    return "failed"


def termination(ending):
    if ending.type == "dialog.terminated":
        return ending.get("by") + "_bye"
    return TERMINATIONS[ending.type]


def ended_by(ending):
    if ending.type.startswith("timeout."):
        return "proxy"
    return "ledger" if ending.type == "ledger.expired" else ending.get("by")


def extra_of(call):
    merged = {}
    for event in call.all_events:
        merged.update(event.get("extra") or {})
    return {key: merged[key] for key in sorted(merged, key=lambda key: key.encode("utf-8"))}


def ringing_at(call):
    times = [event.time for event in call.of_type("dialog.early") if 180 <= event.get("sip_code") <= 183]
    return min(times, default=None)


def record(call, leg, policy, open_gaps):
    """The CDR of a leg, or of a call without legs (`leg` None), up to `sources`."""
    ending = leg.ending if leg else call.ending_without_legs()
    attempt = leg.attempt if leg else call.final_attempt
    started_at, ended_at = call.started_at, ending.time
    answered_at = leg.answered_at if leg else None
    setup_us = (answered_at if leg else ended_at) - started_at
    duration_us = ended_at - answered_at if leg else 0
    billable_ms, basis = policy.bill(leg) if leg else (0, "none")
    mark = leg.last_mark if leg else None
    # The final response: of the answer of a leg, else of the failure that ended the call.
    response = leg.confirmed if leg else (ending if ending.type == "dialog.failed" else None)
    sip_code = response.get("sip_code") if response else None
    if not leg and ending.type == "timeout.early":
        sip_code = 408

    flags = []
    if call.start_unseen:
        flags.append("start_unseen")
    if leg and not leg.confirmed:
        flags.append("answer_unseen")
    if setup_us < 0 or duration_us < 0:
        flags.append("clock_skew")
    if gaps_of(call, ended_at, open_gaps):
        flags.append("incomplete")

    cdr = {"callid": call.callid, "from_tag": call.from_tag, "to_tag": leg.to_tag if leg else "",
           "leg": leg.number if leg else 0}
    for name in ("from_uri", "to_uri", "request_uri", "src_ip", "user_agent"):
        cdr[name] = call.from_trying(name, attempt)
    cdr.update({
        "callee_user_agent": callee_user_agent(leg),
        "started_at": started_at,
        "ringing_at": ringing_at(call),
        "answered_at": answered_at,
        "ended_at": ended_at,
        "setup_us": max(0, setup_us),
        "duration_us": max(0, duration_us),
        "attempts": max(1, len({event.get("cseq") for event in call.of_type("dialog.trying")})),
        "disposition": "answered" if leg else disposition_without_leg(ending),
        "sip_code": sip_code,
        "sip_reason": response.get("sip_reason") if response else None,
        "termination": termination(ending) if leg else None,
        "ended_by": ended_by(ending),
        "reason": ending.get("reason"),
        "last_proof_at": leg.last_proof_at if leg else None,
        "session_interval": mark.interval if mark else 0,
        "refresher": mark.refresher if mark else None,
        "refreshes": len(leg.accepted_refreshes) if leg else 0,
        "billable_ms": billable_ms,
        "billing_basis": basis,
        "policy": policy.name,
        "extra": extra_of(call),
        "flags": sorted(flags),
        "sources": call.sources,
    })
    return cdr


def callee_user_agent(leg):
    confirmed = leg.of_type("dialog.confirmed") if leg else []
    chosen = earliest_with(confirmed, "user_agent")
    return chosen.get("user_agent") if chosen else None


def earliest_with(events, name):
    return next((event for event in events if event.has(name)), None)


def gaps_of(call, ended_at, open_gaps):
    """The open gaps that may hide events of the call."""
    return [gap for gap in open_gaps
            if gap.source in call.sources and gap.meets(call.started_at, ended_at)]


def records(call, policy, open_gaps):
    """The CDRs that the call has now, by `to_tag`."""
    if not call.legs:
        if call.ending_without_legs() is None:
            return {}
        return {"": record(call, None, policy, open_gaps)}
    return {leg.to_tag: record(call, leg, policy, open_gaps) for leg in call.legs if not leg.is_open}


def cdrs(log, policy):
    """All current CDRs with `revision` and `positions`, sorted as `cdrs` prints them."""
    histories = revisions(log, policy)
    rows = []
    open_gaps = log.open_gaps()
    for key, events in log.calls().items():
        call = Call(events)
        for to_tag, cdr in records(call, policy, open_gaps).items():
            cdr["revision"] = histories[key + (to_tag,)].revision
            cdr["positions"] = sorted(event.position for event in events)
            rows.append(cdr)
    rows.sort(key=lambda cdr: (cdr["started_at"],) + encoded(
        (cdr["callid"], cdr["from_tag"], cdr["to_tag"])))
    return rows


class History:
    """The revisions of one CDR key: how many, and what the last one says (None: withdrawn)."""

    def __init__(self):
        self.revision = 0
        self.text = None


def revisions(log, policy):
    """Replays the log, one event at a time in position order.

    After each event the records of every call that it can touch are made anew: its own call, and all
    calls if it is a gap or one of a gap's numbers. A key's first record is revision 1. Each event after
    which the record differs in any field before `revision` is one more; so is an event that takes the
    record back, and one that brings it again, even with the values it had before. What was never
    there has no revision.
    """
    histories, calls, arrived, gaps, open_gaps = {}, {}, {}, [], []
    for event in log.events:
        arrive(arrived, event)
        if event.type == "ledger.gap":
            gaps.append(Gap(event))
        touched = []
        if event.call_key is not None:
            calls.setdefault(event.call_key, []).append(event)
            touched = [event.call_key]
        now_open = [gap for gap in gaps if gap.is_open(arrived)]
        if now_open != open_gaps:
            open_gaps = now_open
            touched = list(calls)
        for key in touched:
            revise(histories, key, records(Call(calls[key]), policy, open_gaps))
    return histories


def revise(histories, call_key, now):
    known = [key[2] for key in histories if key[:2] == call_key]
    for to_tag in set(known) | set(now):
        history = histories.setdefault(call_key + (to_tag,), History())
        text = dump(now[to_tag]) if to_tag in now else None
        if text != history.text:
            history.revision += 1
            history.text = text
