// libzstd, with the two questions that Swift can't ask of a `size_t` which is a length or an error.
#ifndef TOLLBOOK_ZSTD_H
#define TOLLBOOK_ZSTD_H

#include <stddef.h>
#include <zstd.h>

/// The length of what was made, or -1.
static inline ptrdiff_t tollbook_zstd_length(size_t result) {
    return ZSTD_isError(result) ? -1 : (ptrdiff_t)result;
}

/// What a result that is no length means, in English; never null.
static inline const char *tollbook_zstd_reason(size_t result) {
    return ZSTD_getErrorName(result);
}

#endif
