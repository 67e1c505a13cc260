#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tollbook_xxhash.h"

uint64_t tollbook_xxh3_64(const void *bytes, size_t length, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, length, seed);
}

tollbook_hash128 tollbook_xxh3_128(const void *bytes, size_t length, uint64_t seed) {
    XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, length, seed);
    tollbook_hash128 result = {hash.low64, hash.high64};
    return result;
}
