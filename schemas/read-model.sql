-- The read model of Tollbook, version 8: everything that is computed from the log.
-- Printed by `tollbook schema read-model`; don't edit it here.

-- One row of each kind: how far the log has been projected, and by which settings.
CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value NOT NULL
) WITHOUT ROWID;

-- Call detail records, the last revision of each, one row a leg; `id` tells rows apart and nothing else. Times are microseconds since 1970.
-- The last eight columns are the session timer of a leg, until when it should have ended, and its last proof of
-- life: where the log has it, and of which type it is (null for leg 0).
CREATE TABLE cdrs (
    callid TEXT NOT NULL,
    from_tag TEXT NOT NULL,
    to_tag TEXT NOT NULL,
    leg INTEGER NOT NULL,
    from_uri TEXT,
    to_uri TEXT,
    request_uri TEXT,
    src_ip TEXT,
    user_agent TEXT,
    callee_user_agent TEXT,
    started_at INTEGER NOT NULL,
    ringing_at INTEGER,
    answered_at INTEGER,
    ended_at INTEGER NOT NULL,
    setup_us INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    disposition TEXT NOT NULL,
    sip_code INTEGER,
    sip_reason TEXT,
    termination TEXT,
    ended_by TEXT,
    reason TEXT,
    last_proof_at INTEGER,
    session_interval INTEGER NOT NULL,
    refresher TEXT,
    refreshes INTEGER NOT NULL,
    billable_ms INTEGER,
    billing_basis TEXT NOT NULL,
    policy TEXT NOT NULL,
    extra JSON TEXT NOT NULL,
    flags JSON TEXT NOT NULL,
    sources JSON TEXT NOT NULL,
    revision INTEGER NOT NULL,
    positions JSON TEXT NOT NULL,
    marks JSON TEXT,
    expires_at INTEGER,
    hung INTEGER,
    overrun_us INTEGER,
    unproven_us INTEGER,
    deadline INTEGER,
    last_proof_position INTEGER,
    last_proof_type TEXT,
    id INTEGER PRIMARY KEY
);

-- Revisions that were superseded: the record as it was, and the log position of the event that changed it.
CREATE TABLE cdr_revisions (
    callid TEXT NOT NULL,
    from_tag TEXT NOT NULL,
    to_tag TEXT NOT NULL,
    revision INTEGER NOT NULL,
    superseded_by INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL,
    record JSON TEXT NOT NULL,
    id INTEGER PRIMARY KEY
);

-- Calls that are open, as rounds of following the log have left them; what the row with the greatest number
-- says of a call counts, and in a row what it says last. `calls` has 32 bytes for each: key (16), earliest
-- deadline of what is open in it (8), how many bytes of `states` its packed facts take (4), 0 if it is open no
-- more, and the records that it ever had (4). Where the highest bit of the third is set, these are the facts
-- that were added to those of the row before that speaks of the call.
CREATE TABLE open_calls (
    round INTEGER PRIMARY KEY NOT NULL,
    calls BLOB NOT NULL,
    states BLOB NOT NULL
);

-- Eight bytes of the key of each call that ever had a record, so that a new call need not be looked for.
CREATE TABLE call_marks (
    marks BLOB NOT NULL,
    id INTEGER PRIMARY KEY
);

-- Of parts of `cdrs` (65,536 numbers each) before the last: a filter of the calls that have records there, so
-- that a call that has one need not be looked for in all parts. Words of eight bytes, eight bits a call or more.
CREATE TABLE call_parts (
    calls BLOB NOT NULL,
    part INTEGER PRIMARY KEY
);

-- What the audit says of settled calls; open ones are judged when asked for.
CREATE TABLE findings (
    code TEXT NOT NULL,
    severity TEXT NOT NULL,
    callid TEXT NOT NULL,
    from_tag TEXT NOT NULL,
    to_tag TEXT NOT NULL,
    at INTEGER NOT NULL,
    positions JSON TEXT NOT NULL,
    detail JSON TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    id INTEGER PRIMARY KEY
);

-- The findings of settled calls, counted by the caller's user agent and the code; `calls` are those with
-- at least one of them. The row with an empty code counts the calls with any finding.
CREATE TABLE finding_sums (
    user_agent TEXT NOT NULL,
    code TEXT NOT NULL,
    severity TEXT NOT NULL,
    findings INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (user_agent, code)
) WITHOUT ROWID;

-- Session-timer statistics of settled calls; open ones are counted when asked for.
CREATE TABLE statistics_hour (
    hour INTEGER PRIMARY KEY NOT NULL,
    calls INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    with_timer INTEGER NOT NULL,
    refresher_caller INTEGER NOT NULL,
    refresher_callee INTEGER NOT NULL,
    refresher_none INTEGER NOT NULL,
    on_time INTEGER NOT NULL,
    late INTEGER NOT NULL,
    critical INTEGER NOT NULL,
    overdue INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    running INTEGER NOT NULL,
    refreshes_update INTEGER NOT NULL,
    refreshes_invite INTEGER NOT NULL,
    refreshes_failed INTEGER NOT NULL,
    interval_rejections INTEGER NOT NULL,
    hung INTEGER NOT NULL,
    overrun_us INTEGER NOT NULL,
    unproven_us INTEGER NOT NULL,
    interval_below_90 INTEGER NOT NULL,
    interval_90 INTEGER NOT NULL,
    interval_180 INTEGER NOT NULL,
    interval_600 INTEGER NOT NULL,
    interval_1800 INTEGER NOT NULL,
    interval_above_1800 INTEGER NOT NULL
) WITHOUT ROWID;

-- Session-timer statistics of settled calls; open ones are counted when asked for.
CREATE TABLE statistics_source (
    source TEXT PRIMARY KEY NOT NULL,
    calls INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    with_timer INTEGER NOT NULL,
    refresher_caller INTEGER NOT NULL,
    refresher_callee INTEGER NOT NULL,
    refresher_none INTEGER NOT NULL,
    on_time INTEGER NOT NULL,
    late INTEGER NOT NULL,
    critical INTEGER NOT NULL,
    overdue INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    running INTEGER NOT NULL,
    refreshes_update INTEGER NOT NULL,
    refreshes_invite INTEGER NOT NULL,
    refreshes_failed INTEGER NOT NULL,
    interval_rejections INTEGER NOT NULL,
    hung INTEGER NOT NULL,
    overrun_us INTEGER NOT NULL,
    unproven_us INTEGER NOT NULL,
    interval_below_90 INTEGER NOT NULL,
    interval_90 INTEGER NOT NULL,
    interval_180 INTEGER NOT NULL,
    interval_600 INTEGER NOT NULL,
    interval_1800 INTEGER NOT NULL,
    interval_above_1800 INTEGER NOT NULL
) WITHOUT ROWID;

-- Session-timer statistics of settled calls; open ones are counted when asked for.
CREATE TABLE statistics_user_agent (
    user_agent TEXT PRIMARY KEY NOT NULL,
    calls INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    with_timer INTEGER NOT NULL,
    refresher_caller INTEGER NOT NULL,
    refresher_callee INTEGER NOT NULL,
    refresher_none INTEGER NOT NULL,
    on_time INTEGER NOT NULL,
    late INTEGER NOT NULL,
    critical INTEGER NOT NULL,
    overdue INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    running INTEGER NOT NULL,
    refreshes_update INTEGER NOT NULL,
    refreshes_invite INTEGER NOT NULL,
    refreshes_failed INTEGER NOT NULL,
    interval_rejections INTEGER NOT NULL,
    hung INTEGER NOT NULL,
    overrun_us INTEGER NOT NULL,
    unproven_us INTEGER NOT NULL,
    interval_below_90 INTEGER NOT NULL,
    interval_90 INTEGER NOT NULL,
    interval_180 INTEGER NOT NULL,
    interval_600 INTEGER NOT NULL,
    interval_1800 INTEGER NOT NULL,
    interval_above_1800 INTEGER NOT NULL
) WITHOUT ROWID;

-- Short numbers of the epochs of sources, as packed facts use them.
CREATE TABLE source_epochs (
    number INTEGER PRIMARY KEY NOT NULL,
    source TEXT NOT NULL,
    epoch INTEGER NOT NULL
);

-- What came of each epoch of each source: `came` is a list of [first, last] runs of sequence numbers.
CREATE TABLE sources (
    source TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    events INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    first_at INTEGER,
    last_at INTEGER,
    last_heartbeat_at INTEGER,
    active INTEGER,
    stopped_at INTEGER,
    came JSON TEXT NOT NULL,
    PRIMARY KEY (source, epoch)
) WITHOUT ROWID;

-- Sequence numbers that did not come; `missing` of them are still missing.
CREATE TABLE gaps (
    position INTEGER PRIMARY KEY NOT NULL,
    gap_source TEXT NOT NULL,
    gap_epoch INTEGER NOT NULL,
    from_seq INTEGER NOT NULL,
    to_seq INTEGER NOT NULL,
    "after" INTEGER,
    "before" INTEGER,
    time INTEGER NOT NULL,
    missing INTEGER NOT NULL
);

-- Billing policies that the log states, from when each is in force; of those with the same time the
-- one with the greatest epoch and seq counts.
CREATE TABLE policies (
    position INTEGER PRIMARY KEY NOT NULL,
    time INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    policy TEXT NOT NULL
);

-- The same records under the column names of OpenSIPS' `acc` table.
CREATE VIEW acc AS SELECT
    rowid AS id,
    'INVITE' AS method,
    from_tag,
    to_tag,
    callid,
    CAST(coalesce(sip_code, '') AS TEXT) AS sip_code,
    coalesce(sip_reason, '') AS sip_reason,
    datetime(coalesce(answered_at, ended_at) / 1000000, 'unixepoch') AS time,
    duration_us / 1000000 AS duration,
    duration_us / 1000 AS ms_duration,
    setup_us / 1000000 AS setuptime,
    datetime(started_at / 1000000, 'unixepoch') AS created
FROM cdrs;

CREATE INDEX cdrs_by_call ON cdrs (id >> 16, callid, from_tag, to_tag);

CREATE INDEX cdrs_by_start ON cdrs (id >> 16, started_at);

CREATE INDEX cdrs_hung ON cdrs (hung) WHERE hung = 1;

CREATE INDEX cdr_revisions_by_call ON cdr_revisions (id >> 16, callid, from_tag, to_tag, revision);

CREATE INDEX findings_by_call ON findings (id >> 16, callid, from_tag);

CREATE INDEX findings_by_time ON findings (at);

-- What SQLite is to think of the indexes that begin with a part of their table: that it is worth while to look
-- into each part for a Call-ID or a time. An ANALYZE of your own would say something else.
ANALYZE;

INSERT INTO sqlite_stat1 VALUES
    ('cdrs', 'cdrs_by_call', '1000000 65536 1 1 1'),
    ('cdrs', 'cdrs_by_start', '1000000 65536 1'),
    ('cdr_revisions', 'cdr_revisions_by_call', '1000000 65536 1 1 1 1'),
    ('findings', 'findings_by_call', '1000000 65536 2 2');

ANALYZE sqlite_schema;
