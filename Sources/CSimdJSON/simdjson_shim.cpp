#include "tollbook_simdjson.h"

#include <simdjson.h>

#include <memory>
#include <new>

struct tollbook_json_scanner {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
    size_t capacity = 0;
};

static int32_t status_of(simdjson::error_code error) {
    switch (error) {
    case simdjson::SUCCESS: return tollbook_json_ok;
    case simdjson::EMPTY: return tollbook_json_empty;
    case simdjson::UTF8_ERROR: return tollbook_json_invalid_utf8;
    case simdjson::UNCLOSED_STRING: return tollbook_json_unclosed_string;
    case simdjson::UNESCAPED_CHARS: return tollbook_json_control_character;
    case simdjson::MEMALLOC: return tollbook_json_no_memory;
    default: return tollbook_json_other;
    }
}

tollbook_json_scanner *tollbook_json_scanner_make(void) {
    return new (std::nothrow) tollbook_json_scanner();
}

void tollbook_json_scanner_free(tollbook_json_scanner *scanner) {
    delete scanner;
}

int32_t tollbook_json_scan(
    tollbook_json_scanner *scanner, const uint8_t *bytes, size_t length,
    const uint32_t **offsets, size_t *count) {
    *offsets = nullptr;
    *count = 0;
    if (length == 0) return tollbook_json_empty;
    if (scanner->capacity < length) {
        size_t capacity = length < 65536 ? 65536 : length + length / 2;
        simdjson::error_code error = simdjson::get_active_implementation()->create_dom_parser_implementation(
            capacity, 1, scanner->parser);
        if (error) {
            scanner->capacity = 0;
            return status_of(error);
        }
        scanner->capacity = capacity;
    }
    simdjson::error_code error =
        scanner->parser->stage1(bytes, length, simdjson::stage1_mode::regular);
    if (error) return status_of(error);
    *offsets = scanner->parser->structural_indexes.get();
    *count = scanner->parser->n_structural_indexes;
    return tollbook_json_ok;
}

namespace {
// Visits every value, so that nothing that On-Demand would skip stays unread.
simdjson::error_code visit(simdjson::ondemand::value value) {
    simdjson::ondemand::json_type type;
    if (auto error = value.type().get(type)) return error;
    switch (type) {
    case simdjson::ondemand::json_type::object: {
        simdjson::ondemand::object object;
        if (auto error = value.get_object().get(object)) return error;
        for (auto entry : object) {
            std::string_view key;
            if (auto error = entry.unescaped_key().get(key)) return error;
            simdjson::ondemand::value inner;
            if (auto error = entry.value().get(inner)) return error;
            if (auto error = visit(inner)) return error;
        }
        return simdjson::SUCCESS;
    }
    case simdjson::ondemand::json_type::array: {
        simdjson::ondemand::array array;
        if (auto error = value.get_array().get(array)) return error;
        for (auto entry : array) {
            simdjson::ondemand::value inner;
            if (auto error = entry.get(inner)) return error;
            if (auto error = visit(inner)) return error;
        }
        return simdjson::SUCCESS;
    }
    case simdjson::ondemand::json_type::number: {
        double ignored;
        return value.get_double().get(ignored);
    }
    case simdjson::ondemand::json_type::string: {
        std::string_view ignored;
        return value.get_string().get(ignored);
    }
    case simdjson::ondemand::json_type::boolean: {
        bool ignored;
        return value.get_bool().get(ignored);
    }
    default:
        return value.is_null() ? simdjson::SUCCESS : simdjson::N_ATOM_ERROR;
    }
}
}

int32_t tollbook_json_validate_object(const uint8_t *bytes, size_t length) {
    simdjson::padded_string text(reinterpret_cast<const char *>(bytes), length);
    simdjson::ondemand::parser parser;
    simdjson::ondemand::document document;
    if (auto error = parser.iterate(text).get(document)) return status_of(error);
    simdjson::ondemand::object object;
    if (document.get_object().get(object)) return tollbook_json_other;
    for (auto entry : object) {
        std::string_view key;
        if (entry.unescaped_key().get(key)) return tollbook_json_other;
        simdjson::ondemand::value inner;
        if (entry.value().get(inner)) return tollbook_json_other;
        if (visit(inner)) return tollbook_json_other;
    }
    const char *rest;
    bool at_end = document.current_location().get(rest) == simdjson::OUT_OF_BOUNDS;
    return at_end ? tollbook_json_ok : tollbook_json_other;
}
