// What `inngest runs watch` makes of a stream, which comes in two pieces.
#include "cli/sse.h"
#include "cli/watch.h"
#include "fuzz.h"

static struct buf out;

static struct str name(void *context, struct str function_id) {
	(void)context;
	return function_id;
}

static void on_message(void *context, struct str event, struct str data) {
	struct watch_update update;
	struct watch_report report = {.out = &out, .colour = true, .name = name};
	(void)context;
	(void)!watch_report_message(&report, event, data, &update);
	report.terminal = true;
	(void)!watch_report_message(&report, event, data, &update);
	report.json = true;
	(void)!watch_report_message(&report, event, data, &update);
	fuzz_check_utf8(buf_view(&out));
	buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str bytes = str_make(data, size);
	struct sse sse;
	buf_init(&out, 64u << 20);
	sse_init(&sse);
	if (sse_feed(&sse, str_first(bytes, size / 2), on_message, NULL))
		(void)!sse_feed(&sse, str_skip(bytes, size / 2), on_message, NULL);
	sse_free(&sse);
	buf_free(&out);
	return 0;
}
