"""An independent reading of Tollbook's record rules, to test the product against.

    oracle.py cdrs|timers|timers-by-hour|timers-by-source|timers-by-user-agent|audit|dialogs FILE
              [--as-of MICROSECONDS] [--policy FILE]
    oracle.py validate FILE [--source SOURCE] [--now MICROSECONDS]
    oracle.py log FILE [--now MICROSECONDS]

FILE is the log as `tollbook events` prints it; for `validate`, raw events, one a line; for `log`, lines to
import. Output is NDJSON with the names and the order of the record rules; for `validate`, `ok` or a reason
a line; for `log`, the log that the import makes.
Exit status: 0 done, 2 usage, 3 the file is no log.
"""

import argparse
import sys

from audit import audit
from calls import Call, SECOND, UNANSWERED_SECONDS, leg_key
from cdrs import Policy, cdrs
from ingest import Ingest
from log import LogError, encoded, read_log
from strict_json import dump
from timers import leg_rows, statistics
from validity import validate


def dialogs(log, as_of):
    """What is open. The contract names no fields: these are the oracle's own."""
    rows = []
    for events in log.calls().values():
        call = Call(events)
        open_legs = [leg for leg in call.legs if leg.is_open]
        rows += [dialog_row(call, leg, as_of) for leg in sorted(open_legs, key=leg_key)]
        if not call.legs and call.ending_without_legs() is None:
            rows.append(dialog_row(call, None, as_of))
    return sorted(rows, key=lambda row: encoded((row["callid"], row["from_tag"], row["to_tag"])))


def dialog_row(call, leg, as_of):
    refreshes = leg.accepted_refreshes if leg else []
    state = "confirmed" if leg else ("early" if call.of_type("dialog.early") else "trying")
    return {
        "callid": call.callid,
        "from_tag": call.from_tag,
        "to_tag": leg.to_tag if leg else "",
        "state": state,
        "started_at": call.started_at,
        "answered_at": leg.answered_at if leg else None,
        "age_us": max(0, as_of - (leg.answered_at if leg else call.started_at)),
        "last_refresh_at": refreshes[-1].time if refreshes else None,
        "expires_at": leg.session_expiry if leg else None,
        "deadline": leg.deadline if leg else call.started_at + UNANSWERED_SECONDS * SECOND,
    }


def run(arguments):
    """The lines to print, as bytes."""
    if arguments.command == "validate":
        with open(arguments.file, "rb") as file:
            lines = file.read().split(b"\n")
        if lines[-1] == b"":
            lines.pop()
        return [(validate(line, arguments.source, arguments.now) or "ok").encode("utf-8") for line in lines]
    if arguments.command == "log":
        ingest = Ingest(arguments.now)
        with open(arguments.file, "rb") as file:
            ingest.file(file.read())
        return ingest.entries

    log = read_log(arguments.file)
    as_of = log.as_of() if arguments.as_of is None else arguments.as_of
    policy = Policy()
    if arguments.policy:
        with open(arguments.policy, "rb") as file:
            policy = Policy(file.read())
    rows = {
        "cdrs": lambda: cdrs(log, policy),
        "timers": lambda: leg_rows(log, as_of),
        "timers-by-hour": lambda: statistics(log, "hour", as_of),
        "timers-by-source": lambda: statistics(log, "source", as_of),
        "timers-by-user-agent": lambda: statistics(log, "user_agent", as_of),
        "audit": lambda: audit(log, policy, as_of),
        "dialogs": lambda: dialogs(log, as_of),
    }[arguments.command]()
    return [dump(row).encode("utf-8") for row in rows]


def main():
    parser = argparse.ArgumentParser(description="An independent reading of the record rules.")
    parser.add_argument("command", choices=[
        "cdrs", "timers", "timers-by-hour", "timers-by-source", "timers-by-user-agent", "audit",
        "dialogs", "validate", "log"])
    parser.add_argument("file")
    parser.add_argument("--as-of", type=int)
    parser.add_argument("--policy")
    parser.add_argument("--source", default="source")
    parser.add_argument("--now", type=int)
    arguments = parser.parse_args()
    try:
        lines = run(arguments)
    except (LogError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 3
    for line in lines:
        sys.stdout.buffer.write(line + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
