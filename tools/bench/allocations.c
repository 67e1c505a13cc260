// Counts the calls of malloc and its kin on all threads. Loaded before a program:
//
//     cc -O2 -shared -fPIC -o allocations.so tools/bench/allocations.c
//     LD_PRELOAD=./allocations.so tollbook bench decode
//
// The program asks for the count by the name `tollbook_allocations`.
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static atomic_uint_fast64_t count;

uint64_t tollbook_allocations(void) { return atomic_load_explicit(&count, memory_order_relaxed); }

static void note(void) { atomic_fetch_add_explicit(&count, 1, memory_order_relaxed); }

void *malloc(size_t bytes) {
    note();
    return __libc_malloc(bytes);
}

void *calloc(size_t items, size_t bytes) {
    note();
    return __libc_calloc(items, bytes);
}

void *realloc(void *place, size_t bytes) {
    note();
    return __libc_realloc(place, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
    note();
    return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    note();
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **place, size_t alignment, size_t bytes) {
    note();
    *place = __libc_memalign(alignment, bytes);
    return *place ? 0 : ENOMEM;
}
