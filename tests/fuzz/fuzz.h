// What the fuzz targets share: libFuzzer's entry point and the properties that every output must have.
#ifndef INNGEST_TESTS_FUZZ_H
#define INNGEST_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/json.h"
#include "base/payload.h"
#include "model/opcode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_NOW_MS 1795249333896ull

// `text` is JSON in canonical form: canonicalising it again changes nothing.
static inline void fuzz_check_canonical(struct str text) {
	struct buf again;
	buf_init(&again, text.len + 1);
	CHECK(json_canonicalise(&again, text, NULL) == ERR_OK);
	CHECK(str_eq(buf_view(&again), text));
	buf_free(&again);
}

static inline void fuzz_check_payload(const struct payload *payload) {
	if (payload != NULL) fuzz_check_canonical(payload_str(payload));
}

// Members of an object, without its braces.
static inline void fuzz_check_members(struct str text) {
	struct buf object;
	buf_init(&object, text.len + 2);
	buf_byte(&object, '{');
	buf_str(&object, text);
	buf_byte(&object, '}');
	fuzz_check_canonical(buf_view(&object));
	buf_free(&object);
}

static inline void fuzz_check_output(const struct opcode *op) {
	if (op->kind != OPCODE_DEFER_ADD || op->output == NULL) {
		fuzz_check_payload(op->output);
		return;
	}
	struct str data = payload_str(op->output);
	CHECK(op->defer_split <= data.len);
	fuzz_check_members(str_first(data, op->defer_split));
	fuzz_check_members(str_skip(data, op->defer_split));
}

static inline void fuzz_check_utf8(struct str text) {
	CHECK(str_utf8_prefix(text) == text.len);
}

static inline void fuzz_check_error(const struct error *error) {
	CHECK(error->message[0] != '\0');
	fuzz_check_utf8(str_from_cstr(error->message));
}

static inline void fuzz_check_opcode(const struct opcode *op) {
	CHECK(op->kind >= 0 && op->kind < OPCODE_COUNT);
	fuzz_check_output(op);
	if (op->opts.len > 0) fuzz_check_canonical(op->opts);
	fuzz_check_utf8(op->id);
	fuzz_check_utf8(op->name);
	fuzz_check_utf8(op->display_name);
	fuzz_check_utf8(op->duration);
	fuzz_check_utf8(op->opts_type);
	fuzz_check_utf8(op->error_name);
	fuzz_check_utf8(op->error_message);
}

#endif
