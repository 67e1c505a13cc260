"""The form of the cases in audit_cases_*.py: what a call was, and every finding that is due on it.

Events are told as in told.py, times in microseconds. Findings are `error`, `warning` or `info` with all that
the audit says of them; positions count the case's events from 1. A case lists all its findings, not only
those of the code that it is about. Open calls are judged at time 0, when nothing has expired, unless a case
is an `At`.

    at_limit   the same call twice, but for one number: with the first one the code is found, with the second,
               which is one away, it is not
    either     two calls: the code is found in the first and not in the second
    found      the code is found
    clean      the code is not found
"""

import collections

CASES = []

Case = collections.namedtuple("Case", "id code what side pair as_of events findings")
At = collections.namedtuple("At", "as_of events")
Finding = collections.namedtuple("Finding", "code severity at to_tag positions detail")


def error(code, at, to_tag, positions, **detail):
    return Finding(code, "error", at, to_tag, positions, detail)


def warning(code, at, to_tag, positions, **detail):
    return Finding(code, "warning", at, to_tag, positions, detail)


def info(code, at, to_tag, positions, **detail):
    return Finding(code, "info", at, to_tag, positions, detail)


def at_limit(code, what, told, has, lacks):
    """`told` makes the events of a number; `has` and `lacks` are that number and the findings."""
    pair = _next_pair()
    assert abs(has[0] - lacks[0]) == 1, (code, what)
    for side, (number, findings) in (("has", has), ("lacks", lacks)):
        _add(code, f"{what}: {number}", side, ("limit", pair), told(number), findings)


def either(code, what, has, lacks):
    pair = _next_pair()
    for side, (events, findings) in (("has", has), ("lacks", lacks)):
        _add(code, what, side, ("either", pair), events, findings)


def found(code, what, events, findings):
    _add(code, what, "has", ("alone", _next_pair()), events, findings)


def clean(code, what, events, findings=()):
    _add(code, what, "lacks", ("alone", _next_pair()), events, findings)


def _next_pair():
    return CASES[-1].pair[1] + 1 if CASES else 1


def _add(code, what, side, pair, events, findings):
    as_of, events = events if isinstance(events, At) else (0, events)
    CASES.append(Case(f"case-{len(CASES) + 1}", code, what, side, pair, as_of, list(events), list(findings)))
