// Between the two files of this folder; no header of the module's.
#ifndef TOLLBOOK_XXHASH_WIDE_H
#define TOLLBOOK_XXHASH_WIDE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) && defined(__clang__)
#define TOLLBOOK_XXHASH_WIDE 1
/// XXH3-64; only where the processor has AVX2.
uint64_t tollbook_xxh3_64_wide(const void *bytes, size_t length, uint64_t seed);
#endif

#endif
