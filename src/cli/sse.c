#include "cli/sse.h"

void sse_init(struct sse *sse) {
	*sse = (struct sse){.after_cr = false};
	buf_init(&sse->line, SSE_MESSAGE_MAX);
	buf_init(&sse->event, SSE_MESSAGE_MAX);
	buf_init(&sse->data, SSE_MESSAGE_MAX);
}

void sse_free(struct sse *sse) {
	buf_free(&sse->line);
	buf_free(&sse->event);
	buf_free(&sse->data);
}

// A message without data is none. Each line of data has an end, the last one's does not count.
static void dispatch(struct sse *sse, sse_message_fn *fn, void *context) {
	struct str event = buf_view(&sse->event), data = buf_view(&sse->data);
	if (data.len > 0) fn(context, event.len > 0 ? event : STR("message"), str_first(data, data.len - 1));
	buf_clear(&sse->event);
	buf_clear(&sse->data);
}

static void field(struct sse *sse, struct str name, struct str value) {
	if (str_eq_cstr(name, "event")) {
		buf_clear(&sse->event);
		buf_str(&sse->event, value);
	} else if (str_eq_cstr(name, "data")) {
		buf_str(&sse->data, value);
		buf_byte(&sse->data, '\n');
	}
}

static void end_line(struct sse *sse, sse_message_fn *fn, void *context) {
	struct str line = buf_view(&sse->line), name, value;
	if (line.len == 0) {
		dispatch(sse, fn, context);
	} else if (line.ptr[0] != ':') { // a comment
		(void)str_cut(line, ':', &name, &value);
		field(sse, name, str_starts_with(value, STR(" ")) ? str_skip(value, 1) : value);
	}
	buf_clear(&sse->line);
}

bool sse_feed(struct sse *sse, struct str bytes, sse_message_fn *fn, void *context) {
	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.ptr[i];
		bool second = sse->after_cr && c == '\n'; // of one line end
		sse->after_cr = c == '\r';
		if (second) continue;
		if (c != '\r' && c != '\n')
			buf_byte(&sse->line, c);
		else
			end_line(sse, fn, context);
		if (sse->line.overflow || sse->data.overflow) return false;
	}
	return true;
}
