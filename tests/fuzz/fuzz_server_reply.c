// What `inngest runs why` makes of a server's replies.
#include "cli/why.h"
#include "fuzz.h"

static void check_text(struct buf *out) {
	fuzz_check_utf8(buf_view(out));
	buf_clear(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str reply = str_make(data, size);
	struct ulid run_id = {0};
	struct buf out;
	struct error error;
	size_t count;
	buf_init(&out, 64u << 20);
	struct why_report report = {.out = &out, .run_id = &run_id, .url = STR("http://localhost:8288")};
	(void)!why_report_jobs(&report, reply, &count, &error);
	check_text(&out);
	(void)!why_report_run(&report, reply, &error);
	check_text(&out);
	why_report_error(&out, reply);
	buf_free(&out); // of an arbitrary text: as it came
	return 0;
}
