"""The session timer of a leg, judged; and its statistics."""

from fractions import Fraction

from calls import SECOND, Call, leg_key

TOLERANCE_US = 10 * SECOND
CUT_MARGIN_US = 1 * SECOND
HOUR_US = 3600 * SECOND
VERDICTS = ("on_time", "late", "critical", "overdue", "expired", "ended", "running")


def verdict_of_gap(delta_us, interval_us):
    """The verdict on a refresh that came `delta_us` after the mark before it."""
    if delta_us > interval_us:
        return "overdue"
    if delta_us <= Fraction(interval_us, 2) + TOLERANCE_US:
        return "on_time"
    if delta_us <= interval_us - min(Fraction(32 * SECOND), Fraction(interval_us, 3)):
        return "late"
    return "critical"


def verdicts(leg, as_of):
    """One verdict a mark, None for a mark that opens no interval."""
    found = []
    for index, mark in enumerate(leg.marks):
        if mark.interval == 0:
            found.append(None)
        elif index + 1 < len(leg.marks):
            found.append(verdict_of_gap(leg.marks[index + 1].time - mark.time, mark.interval_us))
        elif end_of(leg, as_of) >= mark.time + mark.interval_us:
            found.append("expired")
        else:
            found.append("running" if leg.is_open else "ended")
    return found


def end_of(leg, as_of):
    """When the leg ended; an open one is looked at from `as_of`."""
    return as_of if leg.is_open else leg.ended_at


def was_cut(leg):
    """Whether the proxy's own timer ended a session that had more than a second left."""
    return (not leg.is_open
            and leg.ending.type in ("timeout.session", "timeout.lifetime")
            and leg.session_expiry is not None
            and leg.session_expiry - leg.ended_at > CUT_MARGIN_US)


def is_hung(leg, as_of):
    if leg.is_open:
        return as_of >= leg.deadline
    if leg.ending.type in ("timeout.ping", "ledger.expired"):
        return True
    return leg.ending.type in ("timeout.session", "timeout.lifetime") and not was_cut(leg)


def overrun_us(leg, as_of):
    if leg.session_expiry is None:
        return 0
    return max(0, end_of(leg, as_of) - leg.session_expiry)


def unproven_us(leg, as_of):
    return max(0, end_of(leg, as_of) - leg.last_proof_at)


def leg_rows(log, as_of):
    """`timers` without `--by`: one row a leg, by callid, from_tag, to_tag."""
    legs = [leg for events in log.calls().values() for leg in Call(events).legs]
    return [leg_row(leg, as_of) for leg in sorted(legs, key=leg_key)]


def leg_row(leg, as_of):
    marks = [{"time": mark.time, "interval": mark.interval, "refresher": mark.refresher, "verdict": verdict}
             for mark, verdict in zip(leg.marks, verdicts(leg, as_of))]
    return {
        "callid": leg.call.callid,
        "from_tag": leg.call.from_tag,
        "to_tag": leg.to_tag,
        "marks": marks,
        "expires_at": leg.session_expiry,
        "hung": is_hung(leg, as_of),
        "overrun_us": overrun_us(leg, as_of),
        "unproven_us": unproven_us(leg, as_of),
    }


COUNTERS = (
    "calls", "answered", "with_timer", "refresher_caller", "refresher_callee", "refresher_none",
    *VERDICTS,
    "refreshes_update", "refreshes_invite", "refreshes_failed", "interval_rejections",
    "hung", "overrun_us", "unproven_us",
    "interval_below_90", "interval_90", "interval_180", "interval_600", "interval_1800",
    "interval_above_1800",
)


def bucket_of(call, by):
    if by == "hour":
        return call.started_at - call.started_at % HOUR_US
    if by == "source":
        return call.all_events[0].source
    # The caller's, of the final attempt: a call has one bucket, whatever its legs.
    return call.from_trying("user_agent", call.final_attempt) or ""


def statistics(log, by, as_of):
    """One row a bucket; `by` is `hour`, `source` or `user_agent`."""
    rows = {}
    for events in log.calls().values():
        call = Call(events)
        bucket = bucket_of(call, by)
        row = rows.setdefault(bucket, {by: bucket, **{name: 0 for name in COUNTERS}})
        count_call(row, call, as_of)
    return [rows[bucket] for bucket in
            sorted(rows, key=lambda bucket: bucket.encode("utf-8") if isinstance(bucket, str) else bucket)]


def count_call(row, call, as_of):
    # Every call has a CDR or is open.
    row["calls"] += 1
    row["refreshes_failed"] += len(call.of_type("refresh.failed"))
    row["interval_rejections"] += sum(
        1 for event in call.of_type("dialog.failed", "refresh.failed") if event.get("sip_code") == 422)
    for leg in call.legs:
        count_leg(row, leg, as_of)


def count_leg(row, leg, as_of):
    row["answered"] += 1
    for event in leg.accepted_refreshes:
        name = {"UPDATE": "refreshes_update", "INVITE": "refreshes_invite"}.get(event.get("method"))
        if name:
            row[name] += 1
    for verdict in verdicts(leg, as_of):
        if verdict:
            row[verdict] += 1
    if is_hung(leg, as_of):
        row["hung"] += 1
        row["overrun_us"] += overrun_us(leg, as_of)
        row["unproven_us"] += unproven_us(leg, as_of)
    intervals = [mark.interval for mark in leg.marks if mark.interval > 0]
    if intervals:
        row["with_timer"] += 1
        row["refresher_" + (leg.last_mark.refresher or "none")] += 1
        row[interval_class(intervals[0])] += 1


def interval_class(interval):
    if interval < 90:
        return "interval_below_90"
    if interval < 180:
        return "interval_90"
    if interval < 600:
        return "interval_180"
    if interval < 1800:
        return "interval_600"
    return "interval_1800" if interval == 1800 else "interval_above_1800"
