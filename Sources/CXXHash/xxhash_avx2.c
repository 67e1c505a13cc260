// The same hash for processors with wider registers, which are asked for at run time.
#include "tollbook_xxhash_wide.h"

#ifdef TOLLBOOK_XXHASH_WIDE
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define XXH_INLINE_ALL
#define XXH_VECTOR XXH_AVX2
#include <xxhash.h>

uint64_t tollbook_xxh3_64_wide(const void *bytes, size_t length, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, length, seed);
}
#pragma clang attribute pop
#endif
