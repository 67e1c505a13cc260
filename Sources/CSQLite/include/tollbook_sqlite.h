// What of SQLite's C interface Swift can't call: functions with any number of arguments. They are not inline, so that
// SQLite's own header is not a part of this module: another one has it already.
#ifndef TOLLBOOK_SQLITE_H
#define TOLLBOOK_SQLITE_H

/// Has SQLite keep no account of the memory that it takes, which costs a lock each time that it takes or returns
/// some (SQLITE_CONFIG_MEMSTATUS). To be called before anything else of SQLite's; returns its result code.
int tollbook_sqlite_keep_no_memory_account(void);

#endif
