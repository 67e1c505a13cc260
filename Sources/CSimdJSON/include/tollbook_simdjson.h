// simdjson's first stage behind a C face: it finds the tokens of a text and checks its UTF-8 and its strings' ends.
// What the tokens mean is not known here. Besides, a look at many bytes of a string at once.
#ifndef TOLLBOOK_SIMDJSON_H
#define TOLLBOOK_SIMDJSON_H

#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tollbook_json_scanner tollbook_json_scanner;

/// Why a text could not be cut into tokens.
typedef enum tollbook_json_status {
    tollbook_json_ok = 0,
    tollbook_json_empty = 1,
    tollbook_json_invalid_utf8 = 2,
    tollbook_json_unclosed_string = 3,
    tollbook_json_control_character = 4,
    tollbook_json_no_memory = 5,
    tollbook_json_other = 6,
} tollbook_json_status;

/// Null where memory ran out.
tollbook_json_scanner *tollbook_json_scanner_make(void);
void tollbook_json_scanner_free(tollbook_json_scanner *scanner);

/// Finds the offset of every token of `length` bytes (below 4 GiB): brackets, commas, colons, opening quotes,
/// first characters of numbers and literals. The offsets stay valid until the next scan; two more entries of
/// value `length` follow the last.
int32_t tollbook_json_scan(
    tollbook_json_scanner *scanner, const uint8_t *bytes, size_t length,
    const uint32_t **offsets, size_t *count);

/// The same question answered by simdjson's On-Demand parser, for differential tests: 0 where `bytes` are one
/// valid JSON object, whatever stands in it.
int32_t tollbook_json_validate_object(const uint8_t *bytes, size_t length);

/// One bit for each of the 32 bytes at `text`, the lowest for the first: set where it can't stand in a string as it
/// is, or needs a further look: a quote, a backslash, a control character, or no ASCII.
static inline uint32_t tollbook_json_stops(const void *text) {
#ifdef __SSE2__
    const __m128i *blocks = (const __m128i *)text;
    const __m128i space = _mm_set1_epi8(0x20), quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    uint32_t stops[2];
    for (int place = 0; place < 2; place++) {
        __m128i bytes = _mm_loadu_si128(blocks + place);
        // Compared with signs: what is not ASCII is below zero.
        stops[place] = (uint32_t)_mm_movemask_epi8(_mm_or_si128(
            _mm_cmplt_epi8(bytes, space),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash))));
    }
    return stops[0] | stops[1] << 16;
#else
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t stops = 0;
    for (int place = 0; place < 32; place++)
        stops |= (uint32_t)(bytes[place] < 0x20 || bytes[place] >= 0x80 || bytes[place] == '"' || bytes[place] == '\\')
                 << place;
    return stops;
#endif
}

#ifdef __cplusplus
}
#endif

#endif
