// XXH3 behind plain functions: the library's own inline mode renames by macro, which Swift's importer cannot follow.
#ifndef TOLLBOOK_XXHASH_H
#define TOLLBOOK_XXHASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct tollbook_hash128 {
    uint64_t low;
    uint64_t high;
} tollbook_hash128;

uint64_t tollbook_xxh3_64(const void *bytes, size_t length, uint64_t seed);
tollbook_hash128 tollbook_xxh3_128(const void *bytes, size_t length, uint64_t seed);

/// XXH3-64 with seed 0 of bytes that come piece by piece.
typedef struct tollbook_xxh3_stream tollbook_xxh3_stream;

/// Null where there is no memory.
tollbook_xxh3_stream *tollbook_xxh3_stream_make(void);
void tollbook_xxh3_stream_add(tollbook_xxh3_stream *stream, const void *bytes, size_t length);
uint64_t tollbook_xxh3_stream_digest(const tollbook_xxh3_stream *stream);
void tollbook_xxh3_stream_free(tollbook_xxh3_stream *stream);

#endif
