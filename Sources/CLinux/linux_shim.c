#define _GNU_SOURCE
#include <fcntl.h>

#include "tollbook_linux.h"

int tollbook_write_out(int descriptor, long offset, long count) {
    return sync_file_range(
        descriptor, offset, count,
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}
