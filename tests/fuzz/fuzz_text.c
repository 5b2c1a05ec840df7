// Everything that reads one short text of a URL, a query, a header or an option.
#include "base/clock.h"
#include "base/hash.h"
#include "base/id.h"
#include "fuzz.h"
#include "model/answer.h"
#include "model/cron.h"
#include "model/event.h"
#include "model/form.h"
#include "model/function.h"
#include "model/semver.h"

static void check_ids(struct str text) {
	struct ulid ulid, ulid_back;
	char ulid_chars[ULID_TEXT_LEN + 1];
	if (ulid_parse(text, &ulid)) {
		ulid_text(&ulid, ulid_chars);
		CHECK(ulid_parse(str_from_cstr(ulid_chars), &ulid_back) && ulid_cmp(&ulid, &ulid_back) == 0);
	}
	struct uuid uuid, uuid_back;
	char uuid_chars[UUID_TEXT_LEN + 1];
	if (uuid_parse(text, &uuid)) {
		uuid_text(&uuid, uuid_chars);
		CHECK(uuid_parse(str_from_cstr(uuid_chars), &uuid_back) && uuid_eq(&uuid, &uuid_back));
	}
}

static void check_times(struct str text) {
	struct buf out;
	buf_init(&out, 256);
	struct error error = {0};
	int64_t ns, back;
	if (duration_parse(text, &ns, &error) == ERR_OK) {
		duration_format(&out, ns);
		CHECK(!out.overflow && duration_parse(buf_view(&out), &back, &error) == ERR_OK && back == ns);
	} else {
		fuzz_check_utf8(str_from_cstr(error.message));
	}
	if (duration_parse_go(text, &ns, &error) == ERR_OK)
		CHECK(duration_parse(text, &back, &error) == ERR_OK && back == ns);
	if (date_parse(text, &ns)) {
		buf_clear(&out);
		date_format_rfc3339(&out, ns);
		CHECK(!out.overflow && date_parse_rfc3339(buf_view(&out), &back) && back == ns);
		buf_clear(&out);
		date_format_go(&out, ns);
		CHECK(!out.overflow && date_parse(buf_view(&out), &back) && back == ns);
	}
	buf_free(&out);
}

static void check_headers(struct str text) {
	struct event_seed seed;
	CHECK(event_seed_parse(text, &seed) == seed.present);
	uint64_t at_ms = retry_after_parse(text, FUZZ_NOW_MS);
	CHECK(at_ms == 0 || (at_ms > FUZZ_NOW_MS && at_ms <= FUZZ_NOW_MS + 86400000));
	(void)no_retry_decide((struct str){NULL, 0}, 404, text);
	struct semver semver;
	(void)semver_parse(text, &semver);
}

static void check_names(struct str text) {
	struct arena arena;
	arena_init(&arena, 1024);
	bool valid, again;
	struct str url = url_normalise(&arena, text, &valid);
	if (valid) {
		struct str twice = url_normalise(&arena, url, &again);
		CHECK(!again || str_eq(url, twice)); // a host with brackets inside is not taken twice
	} else {
		CHECK(str_eq(url, text));
	}
	struct str slug = slug_from_name(&arena, text);
	CHECK(str_eq(slug_from_name(&arena, slug), slug));
	(void)cron_valid(text);
	arena_free(&arena);
}

static void check_form(struct str text) {
	struct arena arena;
	arena_init(&arena, 1024);
	struct str value, decoded;
	if (form_find(&arena, text, STR("limit"), &value)) CHECK(value.len < text.len);
	if (form_decode(&arena, text, &decoded)) CHECK(decoded.len <= text.len);
	arena_free(&arena);
}

static void check_encodings(struct str text) {
	struct buf bytes, back;
	buf_init(&bytes, text.len + 16);
	buf_init(&back, 2 * text.len + 16);
	if (base64_parse(text, true, &bytes)) {
		base64_append(&back, buf_view(&bytes), true);
		CHECK(back.len == text.len);
	}
	buf_clear(&back);
	base64_append(&back, text, true);
	buf_clear(&bytes);
	CHECK(base64_parse(buf_view(&back), true, &bytes) && str_eq(buf_view(&bytes), text));
	buf_free(&bytes);
	buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str text = str_make(data, size);
	check_ids(text);
	check_times(text);
	check_headers(text);
	check_names(text);
	check_form(text);
	check_encodings(text);
	return 0;
}
