#define _GNU_SOURCE
#include <fcntl.h>

#include "tollbook_linux.h"

int tollbook_open_direct(const char *path, int is_writable) {
    return open(path, (is_writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_DIRECT);
}

int tollbook_leave_direct(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    return flags < 0 ? -1 : fcntl(descriptor, F_SETFL, flags & ~O_DIRECT);
}

int tollbook_write_out(int descriptor, long offset, long count) {
    return sync_file_range(
        descriptor, offset, count,
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}
