// Texts, tables and server-sent events: the parts that the reports are made of.
#include "out_test.h"

#include "cli/show.h"
#include "cli/sse.h"
#include "cli/table.h"

// ---- texts and times -------------------------------------------------------------------------------------------

static void control_characters_become_blanks(void **state) {
	(void)state;
	show_text(&out, STR("a\033[2Jb\302\233c\td\n\u00e9\x7f"));
	assert_string_equal(written(), "a [2Jb c d \u00e9 ");
	show_lines(&out, STR("one\n\033two\r\nthree"), 2);
	assert_string_equal(written(), "  one\n   two \n  three\n");
	show_lines(&out, STR("one\n"), 0);
	assert_string_equal(written(), "one\n");
	show_lines(&out, STR(""), 2);
	assert_string_equal(written(), "");
}

static void long_texts_are_cut(void **state) {
	(void)state;
	show_text_first(&out, STR("\u00e9\u00e9\u00e9"), 5);
	assert_string_equal(written(), "\u00e9\u00e9…");
	show_text_first(&out, STR("12345"), 5);
	assert_string_equal(written(), "12345");
	assert_int_equal(show_width(STR("\u00e9\u00e9…")), 3);
}

static void durations(void **state) {
	(void)state;
	static const struct {
		uint64_t ms;
		const char *text;
	} cases[] = {{0, "0 ms"},       {999, "999 ms"},       {1000, "1.0 s"},
		     {59999, "59.9 s"}, {60000, "1 min"},      {61000, "1 min 1 s"},
		     {3600000, "1 h"},  {90061000, "1 d 1 h"}, {UINT64_MAX, "213503982334 d 14 h"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		show_elapsed(&out, cases[i].ms);
		assert_string_equal(written(), cases[i].text);
	}
}

static void times(void **state) {
	(void)state;
	int64_t now_ns = 5000000000;
	show_time(&out, 3000000000, &now_ns);
	assert_string_equal(written(), "1970-01-01T00:00:03.000Z (2.0 s ago)");
	show_time(&out, 65000000000, &now_ns);
	assert_string_equal(written(), "1970-01-01T00:01:05.000Z (in 1 min)");
	show_time(&out, 3500000000, NULL);
	assert_string_equal(written(), "1970-01-01T00:00:03.500Z");
	show_time(&out, -1500000000, NULL);
	assert_string_equal(written(), "1969-12-31T23:59:58.500Z");
	now_ns = INT64_MIN;
	show_time(&out, INT64_MAX, &now_ns);
	assert_non_null(strstr(written(), "(in 213503 d 23 h)"));
}

// ---- tables ----------------------------------------------------------------------------------------------------

static const char *const headings[] = {"NAME", "STATE", "MORE"};

static void fill(struct table *table) {
	table_text(table, STR("\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"));
	table_coloured(table, STR("ok"), SHOW_GREEN);
	table_text(table, STR(""));
	table_text(table, STR("b\tc"));
	buf_printf(table_cell_start(table), "%d", 12345678);
	table_cell_end(table, NULL);
	table_text(table, STR("x"));
}

static void on_a_terminal_aligned(void **state) {
	(void)state;
	struct table table;
	table_init(&table, headings, 3, true, false);
	table_print(&table, &out);
	assert_string_equal(written(), "");
	fill(&table);
	table_print(&table, &out);
	assert_string_equal(written(), "NAME    STATE     MORE\n"
				       "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9  ok\n"
				       "b c     12345678  x\n");
	// The next piece: no headings, and no column gets narrower.
	table_text(&table, STR("d"));
	table_text(&table, STR("e"));
	table_text(&table, STR("f"));
	table_print(&table, &out);
	assert_string_equal(written(), "d       e         f\n");
	table_free(&table);
}

static void sorted(void **state) {
	(void)state;
	struct table table;
	table_init(&table, headings, 3, false, false);
	table_sort(&table);
	fill(&table);
	fill(&table);
	table_sort(&table);
	table_print(&table, &out);
	assert_string_equal(written(), "b c\t12345678\tx\nb c\t12345678\tx\n"
				       "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\tok\t\n"
				       "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\tok\t\n");
	table_free(&table);
}

static void with_colours(void **state) {
	(void)state;
	struct table table;
	table_init(&table, headings, 3, true, true);
	fill(&table);
	table_print(&table, &out);
	const char *text = written();
	assert_non_null(strstr(text, "\033[1mNAME\033[0m  "));
	assert_non_null(strstr(text, "\033[32mok\033[0m\n"));
	table_free(&table);
}

static void in_a_pipe_with_tabs(void **state) {
	(void)state;
	struct table table;
	char large[1000];
	memset(large, 'x', sizeof(large));
	table_init(&table, headings, 3, false, false);
	fill(&table);
	table_text(&table, str_make(large, sizeof(large)));
	table_text(&table, STR("y"));
	table_text(&table, STR("z"));
	table_print(&table, &out);
	const char *text = written();
	static const char start[] = "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\tok\t\nb c\t12345678\tx\n";
	assert_int_equal(strncmp(text, start, sizeof(start) - 1), 0);
	assert_int_equal(strlen(text), sizeof(start) - 1 + sizeof(large) + strlen("\ty\tz\n"));
	table_free(&table);
}

static void rows_without_any_text(void **state) {
	(void)state;
	for (int terminal = 0; terminal < 2; terminal++) {
		struct table table;
		table_init(&table, NULL, 2, terminal != 0, true);
		for (int i = 0; i < 4; i++) table_text(&table, STR(""));
		table_print(&table, &out);
		assert_string_equal(written(), terminal ? "\n\n" : "\t\n\t\n");
		table_free(&table);
	}
}

// ---- server-sent events ----------------------------------------------------------------------------------------

static void note_message(void *context, struct str event, struct str data) {
	(void)context;
	buf_printf(&out, "[%.*s|%.*s]", STR_ARG(event), STR_ARG(data));
}

// However the bytes are cut, the messages are the same.
static void assert_messages(const char *bytes, const char *messages) {
	struct str text = str_from_cstr(bytes);
	for (size_t piece = 1; piece <= text.len; piece++) {
		struct sse sse;
		sse_init(&sse);
		for (size_t i = 0; i < text.len; i += piece)
			assert_true(sse_feed(&sse, str_first(str_skip(text, i), piece), note_message, NULL));
		assert_string_equal(written(), messages);
		sse_free(&sse);
	}
}

static void messages(void **state) {
	(void)state;
	assert_messages("event: run\ndata: {}\n\n", "[run|{}]");
	assert_messages("data: a\ndata:  b\n\ndata:c\n\n", "[message|a\n b][message|c]");
	assert_messages(": heartbeat\n\n:\n\nevent: x\n\ndata: 1\n\n", "[message|1]");
	assert_messages("event: run\r\ndata: 1\r\n\r\nevent:run\rdata:2\r\r", "[run|1][run|2]");
	assert_messages("id: 7\nretry: 10\nnonsense\ndata\n\n", "[message|]");
	assert_messages("event: a\nevent: b\ndata: 1\n\ndata: never ended", "[b|1]");
}

static void messages_that_are_too_long(void **state) {
	(void)state;
	struct sse sse;
	char piece[4096];
	memset(piece, 'x', sizeof(piece));
	sse_init(&sse);
	size_t fed = 0;
	while (fed <= 2 * (size_t)SSE_MESSAGE_MAX && sse_feed(&sse, str_make(piece, sizeof(piece)), note_message, NULL))
		fed += sizeof(piece);
	assert_in_range(fed, SSE_MESSAGE_MAX - sizeof(piece), SSE_MESSAGE_MAX);
	sse_free(&sse);
	sse_init(&sse);
	bool fine = true;
	for (size_t i = 0; i <= SSE_MESSAGE_MAX / 2 && fine; i++)
		fine = sse_feed(&sse, STR("data: y\n"), note_message, NULL);
	assert_false(fine);
	assert_string_equal(written(), "");
	sse_free(&sse);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		BUF_TEST(control_characters_become_blanks),
		BUF_TEST(long_texts_are_cut),
		BUF_TEST(durations),
		BUF_TEST(times),
		BUF_TEST(on_a_terminal_aligned),
		BUF_TEST(sorted),
		BUF_TEST(with_colours),
		BUF_TEST(in_a_pipe_with_tabs),
		BUF_TEST(rows_without_any_text),
		BUF_TEST(messages),
		BUF_TEST(messages_that_are_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
