#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/function.h"
#include "model/sdk_version.h"

static void slugs_are_made_from_names(void **state) {
	(void)state;
	static const struct {
		const char *name, *slug;
	} cases[] = {
		{"My Cool Function! \xc3\xa9", "my-cool-function-e"},
		{"My @Cool & \"Fn\"_x", "my-atcool-and-fn_x"},
		{"  it's \xe2\x80\x99ok\xe2\x80\x99  ", "its-ok"},
		{"a \xe2\x80\x94 b \xe2\x80\x93 c", "a-b-c"},
		{"\xc3\x9f\xc3\x86\xc5\x92\xc5\xbf", "ssaeoes"},
		{"--__a__--", "a"},
		{"\xe6\x97\xa5\xe6\x9c\xac", ""},
		{"bad \xff\xfe utf", "bad-utf"},
		{"\xf0\x9f\x98\x80x", "x"},
		{"a/b.c:1", "a-b-c-1"},
		{"", ""},
	};
	struct arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str slug = slug_from_name(&arena, str_from_cstr(cases[i].name));
		if (!str_eq_cstr(slug, cases[i].slug)) fail_msg("%s gave %.*s", cases[i].name, STR_ARG(slug));
	}
	arena_free(&arena);
}

static void only_the_bad_releases_are_denied(void **state) {
	(void)state;
	static const struct {
		const char *language, *version;
		bool denied;
	} cases[] = {
		{"js", "v3.22.0", true},
		{"js", "3.22.0", true},
		{"inngest-js", "v3.53.1", true},
		{"js", "v3.40.2+build.1", true},
		{"js", "v3.53.1-rc.1", true},
		{"js", "v3.22.0-beta.1", false},
		{"js", "v3.21.9", false},
		{"js", "v3.53.2", false},
		{"js", "v3.54.0", false},
		{"js", "v4.24.0", false},
		{"js", "v03.30.0", false},
		{"js", "vv3.30.0", false},
		{"js", "", false},
		{"py", "v3.30.0", false},
		{"js", "v3.30.0-", false},
		{"js", "v3.30.0.1", false},
		{"js", "v3.53.2-rc.1", false},
		{"js", "latest", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool denied = sdk_version_denied(str_from_cstr(cases[i].language), str_from_cstr(cases[i].version));
		if (denied != cases[i].denied) fail_msg("%s %s", cases[i].language, cases[i].version);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slugs_are_made_from_names),
		cmocka_unit_test(only_the_bad_releases_are_denied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
