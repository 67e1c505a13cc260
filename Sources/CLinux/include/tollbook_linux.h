// Calls of Linux that the log needs and Swift's Glibc module leaves out.
#ifndef TOLLBOOK_LINUX_H
#define TOLLBOOK_LINUX_H

/// Has the system write the changed pages of a range to the disk, and waits until the disk has taken them
/// (sync_file_range(2)). They are durable once the file is synced. 0, or -1 with errno.
int tollbook_write_out(int descriptor, long offset, long count);

/// Opens a file for reading, or for reading and writing, past the system's cache (O_DIRECT, open(2)), and
/// closed for programs that this one starts. A descriptor, or -1 with errno.
int tollbook_open_direct(const char *path, int is_writable);

/// Has a descriptor that goes past the system's cache go through it from now on. 0, or -1 with errno.
int tollbook_leave_direct(int descriptor);

#endif
