#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tollbook_xxhash.h"
#include "tollbook_xxhash_wide.h"

uint64_t tollbook_xxh3_64(const void *bytes, size_t length, uint64_t seed) {
#ifdef TOLLBOOK_XXHASH_WIDE
    // Shorter ones are hashed without wide registers in any case.
    if (length > XXH3_MIDSIZE_MAX && __builtin_cpu_supports("avx2")) return tollbook_xxh3_64_wide(bytes, length, seed);
#endif
    return XXH3_64bits_withSeed(bytes, length, seed);
}

tollbook_hash128 tollbook_xxh3_128(const void *bytes, size_t length, uint64_t seed) {
    XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, length, seed);
    tollbook_hash128 result = {hash.low64, hash.high64};
    return result;
}

tollbook_xxh3_stream *tollbook_xxh3_stream_make(void) {
    XXH3_state_t *state = XXH3_createState();
    if (state) XXH3_64bits_reset(state);
    return (tollbook_xxh3_stream *)state;
}

void tollbook_xxh3_stream_add(tollbook_xxh3_stream *stream, const void *bytes, size_t length) {
    XXH3_64bits_update((XXH3_state_t *)stream, bytes, length);
}

uint64_t tollbook_xxh3_stream_digest(const tollbook_xxh3_stream *stream) {
    return XXH3_64bits_digest((const XXH3_state_t *)stream);
}

void tollbook_xxh3_stream_free(tollbook_xxh3_stream *stream) {
    XXH3_freeState((XXH3_state_t *)stream);
}
