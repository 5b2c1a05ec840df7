// Values: the short forms that resolvers use, and members of objects read as the tables say.
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "graphql/execute.h"

static const struct gql_value null_value = {.kind = GQL_NULL};

struct gql_value gql_text(struct str text) {
	if (text.ptr == NULL) return null_value;
	return (struct gql_value){.kind = GQL_TEXT, .text = text};
}

struct gql_value gql_json(struct str json) {
	if (json.ptr == NULL) return null_value;
	return (struct gql_value){.kind = GQL_JSON, .text = json};
}

struct gql_value gql_int(int64_t number) {
	return (struct gql_value){.kind = GQL_INT, .number = number};
}

struct gql_value gql_bool(bool boolean) {
	return (struct gql_value){.kind = GQL_BOOL, .boolean = boolean};
}

struct gql_value gql_object(const void *object) {
	if (object == NULL) return null_value;
	return (struct gql_value){.kind = GQL_OBJECT, .object = object};
}

struct gql_value gql_fail(struct arena *arena, const char *format, ...) {
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	CHECK(len >= 0);
	char *text = arena_alloc(arena, (size_t)len + 1);
	vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return (struct gql_value){.kind = GQL_ERROR, .text = {text, (size_t)len}};
}

struct gql_value gql_list(struct arena *arena, size_t count) {
	struct gql_value *items = count > 0 ? ARENA_ARRAY(arena, struct gql_value, count) : NULL;
	return (struct gql_value){.kind = GQL_LIST, .items = items, .count = count};
}

struct gql_value gql_ulid(struct arena *arena, const struct ulid *id) {
	if (id == NULL) return null_value;
	char *text = arena_alloc(arena, ULID_TEXT_LEN + 1);
	ulid_text(id, text);
	return gql_text(str_make(text, ULID_TEXT_LEN));
}

struct gql_value gql_uuid(struct arena *arena, const struct uuid *id) {
	if (id == NULL) return null_value;
	char *text = arena_alloc(arena, UUID_TEXT_LEN + 1);
	uuid_text(id, text);
	return gql_text(str_make(text, UUID_TEXT_LEN));
}

struct gql_value gql_time(struct arena *arena, int64_t ns) {
	struct buf text;
	buf_init(&text, SIZE_MAX);
	date_format_rfc3339(&text, ns);
	struct gql_value value = gql_text(arena_dup(arena, buf_view(&text)));
	buf_free(&text);
	return value;
}

struct str gql_repair(struct arena *arena, struct str text) {
	if (str_utf8_prefix(text) == text.len) return text;
	struct buf repaired;
	buf_init(&repaired, SIZE_MAX);
	while (text.len > 0) {
		size_t sound = str_utf8_prefix(text);
		buf_append(&repaired, text.ptr, sound);
		if (sound < text.len) buf_lit(&repaired, "\xef\xbf\xbd");
		text = str_skip(text, sound + 1);
	}
	text = arena_dup(arena, buf_view(&repaired));
	buf_free(&repaired);
	return text;
}

// ---- members -------------------------------------------------------------------------------------------------------

static struct gql_value read_str(struct arena *arena, const void *member) {
	(void)arena;
	return (struct gql_value){.kind = GQL_TEXT, .text = *(const struct str *)member};
}

static struct gql_value read_str_or_null(struct arena *arena, const void *member) {
	const struct str *text = member;
	return text->len > 0 ? read_str(arena, member) : null_value;
}

static struct gql_value read_json(struct arena *arena, const void *member) {
	(void)arena;
	const struct str *text = member;
	return text->len > 0 ? gql_json(*text) : null_value;
}

static struct gql_value read_cstr(struct arena *arena, const void *member) {
	(void)arena;
	return gql_text(str_from_cstr(*(const char *const *)member));
}

static bool is_zero(const uint8_t id[16]) {
	static const uint8_t zero[16];
	return memcmp(id, zero, sizeof zero) == 0;
}

static struct gql_value read_ulid(struct arena *arena, const void *member) {
	return gql_ulid(arena, member);
}

static struct gql_value read_ulid_or_null(struct arena *arena, const void *member) {
	const struct ulid *id = member;
	return is_zero(id->bytes) ? null_value : gql_ulid(arena, id);
}

static struct gql_value read_uuid(struct arena *arena, const void *member) {
	return gql_uuid(arena, member);
}

static struct gql_value read_uuid_or_null(struct arena *arena, const void *member) {
	const struct uuid *id = member;
	return is_zero(id->bytes) ? null_value : gql_uuid(arena, id);
}

static struct gql_value read_int(struct arena *arena, const void *member) {
	(void)arena;
	return gql_int(*(const int64_t *)member);
}

static struct gql_value read_u32(struct arena *arena, const void *member) {
	(void)arena;
	return gql_int(*(const uint32_t *)member);
}

static struct gql_value read_bool(struct arena *arena, const void *member) {
	(void)arena;
	return gql_bool(*(const bool *)member);
}

static struct gql_value read_time_ns(struct arena *arena, const void *member) {
	int64_t ns = *(const int64_t *)member;
	return ns == INT64_MIN ? null_value : gql_time(arena, ns);
}

static struct gql_value read_time_ms(struct arena *arena, const void *member) {
	uint64_t ms = *(const uint64_t *)member;
	if (ms == 0) return null_value;
	if (ms > INT64_MAX / 1000000) return gql_fail(arena, "a time is too late");
	return gql_time(arena, (int64_t)ms * 1000000);
}

static struct gql_value read_self(struct arena *arena, const void *member) {
	(void)arena;
	return gql_object(member);
}

typedef struct gql_value read_member(struct arena *arena, const void *member);
static read_member *const readers[] = {
	[GQL_MEMBER_STR] = read_str,         [GQL_MEMBER_STR_OR_NULL] = read_str_or_null,
	[GQL_MEMBER_JSON] = read_json,       [GQL_MEMBER_CSTR] = read_cstr,
	[GQL_MEMBER_ULID] = read_ulid,       [GQL_MEMBER_ULID_OR_NULL] = read_ulid_or_null,
	[GQL_MEMBER_UUID] = read_uuid,       [GQL_MEMBER_UUID_OR_NULL] = read_uuid_or_null,
	[GQL_MEMBER_INT] = read_int,         [GQL_MEMBER_U32] = read_u32,
	[GQL_MEMBER_BOOL] = read_bool,       [GQL_MEMBER_TIME_NS] = read_time_ns,
	[GQL_MEMBER_TIME_MS] = read_time_ms, [GQL_MEMBER_SELF] = read_self,
};

// The offset of "an object whose parent is this same object" counts too: 0 as a rule.
void gql_members_read(struct gql_call *call) {
	read_member *read = readers[call->field->member];
	for (size_t i = 0; i < call->count; i++) {
		const char *parent = call->parents[i];
		// Roots have no object: their fields of this kind have none either.
		if (parent == NULL && call->field->member != GQL_MEMBER_SELF) continue;
		call->out[i] = read(call->arena, parent != NULL ? parent + call->field->offset : NULL);
	}
}

// ---- arguments -----------------------------------------------------------------------------------------------------

yyjson_val *gql_argument_get(const struct gql_call *call, const char *name) {
	return yyjson_obj_get(call->arguments, name);
}

struct str gql_argument_str(const struct gql_call *call, const char *name) {
	yyjson_val *value = gql_argument_get(call, name);
	// An ID may be written as a number.
	if (yyjson_is_uint(value)) return arena_printf(call->arena, "%llu", (unsigned long long)yyjson_get_uint(value));
	if (yyjson_is_sint(value)) return arena_printf(call->arena, "%lld", (long long)yyjson_get_sint(value));
	return json_str(value);
}
