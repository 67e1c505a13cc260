#include "tollbook_sqlite.h"

#include <sqlite3.h>

int tollbook_sqlite_keep_no_memory_account(void) {
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}
