"""What DuckDB is set against a rebuild with: plain call records from the same events, in a table that is on disk and
indexed. No session timers, no audit, no revisions, no late events.

    duck.py parquet EVENTS.ndjson EVENTS.parquet     turns the events into Parquet (not measured)
    duck.py group|join EVENTS.(ndjson|parquet) FILE  makes FILE and says, as JSON, how long that took

`group` folds all events of a call by one GROUP BY; `join` joins the event that begins each call with those that answer
and end it. Whichever is faster counts.
"""

import json
import os
import sys
import time

import duckdb

COLUMNS = {
    "type": "VARCHAR", "time": "BIGINT", "callid": "VARCHAR", "from_tag": "VARCHAR", "to_tag": "VARCHAR",
    "cseq": "BIGINT", "sip_code": "BIGINT", "sip_reason": "VARCHAR", "reason": "VARCHAR", "by": "VARCHAR",
    "from_uri": "VARCHAR", "to_uri": "VARCHAR", "request_uri": "VARCHAR", "src_ip": "VARCHAR",
    "user_agent": "VARCHAR", "session_expires": "BIGINT", "refresher": "VARCHAR",
}

GROUP = """
CREATE TABLE cdrs AS SELECT
    callid, from_tag,
    max(to_tag) AS to_tag,
    min(time) FILTER (type = 'dialog.trying') AS started_at,
    min(time) FILTER (type = 'dialog.confirmed') AS answered_at,
    max(time) FILTER (type = 'dialog.terminated') AS ended_at,
    max(time) FILTER (type = 'dialog.terminated') - min(time) FILTER (type = 'dialog.confirmed') AS duration_us,
    max(from_uri) AS from_uri, max(to_uri) AS to_uri, max(request_uri) AS request_uri, max(src_ip) AS src_ip,
    max(user_agent) FILTER (type = 'dialog.trying') AS caller_user_agent,
    max(user_agent) FILTER (type = 'dialog.confirmed') AS callee_user_agent,
    max(sip_code) FILTER (type = 'dialog.confirmed') AS sip_code,
    max("by") FILTER (type = 'dialog.terminated') AS ended_by,
    max(reason) FILTER (type = 'dialog.terminated') AS reason,
    max(session_expires) AS session_expires, max(refresher) AS refresher,
    count(*) FILTER (type = 'refresh.accepted') AS refreshes
FROM {events} GROUP BY callid, from_tag
"""

JOIN = """
CREATE TABLE cdrs AS
WITH events AS MATERIALIZED (SELECT * FROM {events}),
    refreshes AS (
        SELECT callid, from_tag, count(*) AS refreshes FROM events WHERE type = 'refresh.accepted' GROUP BY ALL)
SELECT
    t.callid, t.from_tag, c.to_tag, t.time AS started_at, c.time AS answered_at, e.time AS ended_at,
    e.time - c.time AS duration_us, t.from_uri, t.to_uri, t.request_uri, t.src_ip,
    t.user_agent AS caller_user_agent, c.user_agent AS callee_user_agent, c.sip_code, e."by" AS ended_by, e.reason,
    c.session_expires, c.refresher, coalesce(r.refreshes, 0) AS refreshes
FROM (SELECT * FROM events WHERE type = 'dialog.trying') t
LEFT JOIN (SELECT * FROM events WHERE type = 'dialog.confirmed') c USING (callid, from_tag)
LEFT JOIN (SELECT * FROM events WHERE type = 'dialog.terminated') e USING (callid, from_tag)
LEFT JOIN refreshes r USING (callid, from_tag)
"""


def source(path):
    if path.endswith(".parquet"):
        return f"read_parquet('{path}')"
    columns = ", ".join(f"\"{name}\": '{kind}'" for name, kind in COLUMNS.items())
    return f"read_json('{path}', format = 'newline_delimited', columns = {{{columns}}})"


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("parquet", "group", "join"):
        sys.exit(__doc__)
    how, events, target = sys.argv[1:]
    if how == "parquet":
        duckdb.execute(f"COPY (SELECT * FROM {source(events)}) TO '{target}' (FORMAT parquet)")
        return
    begun = time.monotonic()
    database = duckdb.connect(target)
    # Several hundred megabytes for sorting are more than Tollbook takes; its default, most of the memory, is left.
    database.execute("SET preserve_insertion_order = false")
    database.execute((GROUP if how == "group" else JOIN).format(events=source(events)))
    database.execute("CREATE INDEX cdrs_callid ON cdrs (callid)")
    database.execute("CREATE INDEX cdrs_started_at ON cdrs (started_at)")
    database.execute("CHECKPOINT")
    rows = database.execute("SELECT count(*), count(ended_at) FROM cdrs").fetchone()
    database.close()
    nanoseconds = int((time.monotonic() - begun) * 1e9)
    print(json.dumps({"nanoseconds": nanoseconds, "cdrs": rows[0], "ended": rows[1], "how": how,
                      "bytes": os.path.getsize(target)}))


if __name__ == "__main__":
    main()
