// simdjson's first stage behind a C face: it finds the tokens of a text and checks its UTF-8 and its strings' ends.
// What the tokens mean is not known here.
#ifndef TOLLBOOK_SIMDJSON_H
#define TOLLBOOK_SIMDJSON_H

#include <stddef.h>
#include <stdint.h>

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

#ifdef __cplusplus
}
#endif

#endif
