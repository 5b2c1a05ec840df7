// What the tests of REST v2 share: an engine that notes what it is asked, and says what the test wants.
#ifndef INNGEST_TESTS_SERVER_V2_FIXTURE_H
#define INNGEST_TESTS_SERVER_V2_FIXTURE_H

#include "base/json.h"
#include "history_fixture.h"

static struct {
	enum reply_kind kind;
	int status;
	const char *code, *text;
	struct ulid run_id;
} answer;
static atomic_uint commands; // that the engine has got

static inline void note_ulid(struct buf *out, const struct ulid *id) {
	char text[ULID_TEXT_LEN + 1];
	ulid_text(id, text);
	buf_append(out, text, ULID_TEXT_LEN);
}

static inline void note_start(struct buf *out, const struct command *command) {
	static const struct ulid none;
	buf_printf(out, "start %.*s", STR_ARG(command->start.function));
	if (command->start.is_new_event) buf_lit(out, " new");
	if (command->start.key.len > 0) buf_printf(out, " key=%.*s", STR_ARG(command->start.key));
	if (ulid_cmp(&command->start.original_run_id, &none) != 0) {
		buf_lit(out, " of=");
		note_ulid(out, &command->start.original_run_id);
	}
	for (size_t i = 0; i < command->start.step_count; i++) {
		const struct given_step *step = &command->start.steps[i];
		buf_printf(out, " %.*s/%.*s/%u%s=%.*s", STR_ARG(step->id), STR_ARG(step->name), step->op,
			   step->is_input ? "!" : "", STR_ARG(payload_str(step->value)));
	}
	if (command->start.target.len > 0) buf_printf(out, " target=%.*s", STR_ARG(command->start.target));
	buf_printf(out, " %.*s", STR_ARG(payload_str(command->start.event.text)));
}

static inline void note_command(struct buf *out, const struct command *command) {
	switch (command->kind) {
	case COMMAND_START:
		note_start(out, command);
		break;
	case COMMAND_CANCEL:
		buf_lit(out, "cancel ");
		note_ulid(out, &command->run.run_id);
		break;
	case COMMAND_FUNCTION_PAUSE:
		buf_printf(out, "%s %.*s/%.*s", command->pause.paused ? "pause" : "unpause",
			   STR_ARG(command->pause.app_name), STR_ARG(command->pause.function));
		break;
	case COMMAND_EVENTS:
		assert_int_equal(command->events.count, 1);
		buf_printf(out, "event %.*s", STR_ARG(payload_str(command->events.events[0].text)));
		break;
	default:
		fail_msg("command %d", command->kind);
	}
}

static inline struct reply *engine_notes(struct fixture *fixture, struct command *command) {
	struct buf text;
	buf_init(&text, sizeof fixture->noted - 1);
	note_command(&text, command);
	memcpy(fixture->noted, text.ptr, text.len);
	fixture->noted[text.len] = '\0';
	buf_free(&text);
	commands++;
	struct reply *reply = reply_new(command->request, answer.kind, answer.status);
	reply->code = str_from_cstr(answer.code);
	reply->text = str_from_cstr(answer.text);
	reply->run_id = answer.run_id;
	return reply;
}

// The body is `data` in the envelope of v2, and ends there.
static inline void check_data(struct http *http, const char *data) {
	char start[2048];
	(void)snprintf(start, sizeof start, "{\"data\":%s,\"metadata\":{\"fetchedAt\":\"2", data);
	if (strncmp(http->body, start, strlen(start)) != 0) fail_msg("%s\nis not %s", http->body, start);
	const char *time = http->body + strlen(start) - 1;
	size_t len = strcspn(time, "\"");
	const char *point = memchr(time, '.', len);
	assert_int_equal(time[len - 1], 'Z');
	if (point != NULL) assert_int_equal((size_t)(time + len - point) % 3, 2); // ".123Z"
	assert_string_equal(time + len, "\"}}");
	assert_string_equal(http_header(http, "Content-Type"), "application/json");
}

#define assert_data(http, expected_status, data)                    \
	do {                                                        \
		assert_int_equal((http).status, (expected_status)); \
		check_data(&(http), (data));                        \
		http_free(&(http));                                 \
	} while (0)

// The body without the times of its metadata: they become "T". A static buffer.
static inline const char *timeless(const struct http *http) {
	static char text[16384];
	static const char *const names[] = {"\"fetchedAt\":\"", "\"fetched_at\":\"", "\"cached_until\":\""};
	size_t len = 0;
	for (const char *at = http->body; *at != '\0' && len + 100 < sizeof text;) {
		text[len++] = *at++;
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			size_t n = strlen(names[i]);
			if (len < n || memcmp(text + len - n, names[i], n) != 0) continue;
			text[len++] = 'T';
			at = strchr(at, '"');
		}
	}
	text[len] = '\0';
	return text;
}

#define assert_timeless(http, expected_status, expected_body)          \
	do {                                                           \
		assert_string_equal(timeless(&(http)), expected_body); \
		assert_int_equal((http).status, (expected_status));    \
		http_free(&(http));                                    \
	} while (0)
#define METADATA "\"metadata\":{\"fetchedAt\":\"T\"}"

#define V2_ERROR(code, message) "{\"errors\":[{\"code\":\"" code "\",\"message\":\"" message "\"}]}"

// The message may be any.
#define assert_error_code(http, expected_status, code)                                                          \
	do {                                                                                                    \
		assert_int_equal((http).status, (expected_status));                                             \
		if (strstr((http).body, "{\"errors\":[{\"code\":\"" code "\",\"message\":\"") != (http).body) { \
			fail_msg("%s", (http).body);                                                            \
		}                                                                                               \
		assert_string_equal(http_header(&(http), "Content-Type"), "application/json");                  \
		http_free(&(http));                                                                             \
	} while (0)

#endif
