#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/function.h"

struct url_case {
	const char *text, *expected; // NULL: cannot be read, unchanged
};

static const struct url_case cases[] = {
	// 01 §5.4, as observed
	{"http://127.0.0.1:3000/api/inngest", "http://localhost:3000/api/inngest"},
	{"http://myhost:80/api/inngest", "http://myhost/api/inngest"},
	{"http://h:443/x", "http://h:443/x"},
	{"https://h:443/x", "https://h/x"},
	{"http://127.0.0.1/api", "http://127.0.0.1/api"},
	{"http://LOCALHOST:80/api/inngest?probe=trust&deployId=1&z=1&a=2", "http://LOCALHOST/api/inngest?a=2&z=1"},
	{"http://localhost:3000/api?x", "http://localhost:3000/api?x="},
	{"http://0.0.0.0:3000/a b", "http://localhost:3000/a%20b"},
	{"http://[::1]:3000/api", "http://[::1]:3000/api"},
	{"http://[::1]:80/api", "http://[::1]/api"}, // the brackets are kept
	// ports and schemes
	{"HTTP://h:80/x", "http://h/x"},
	{"ws://h:80/x", "ws://h/x"},
	{"wss://h:443/x", "wss://h/x"},
	{"wss://h:80/x", "wss://h:80/x"},
	{"http://[::1]/x", "http://[::1]/x"},
	{"http://u:p@127.0.0.1:80/x", "http://u:p@localhost/x"},
	{"http://@h/x", "http://@h/x"},
	{"http://a:b:80/x", "http://a:b:80/x"},
	{"http://127.0.0.1:/x", "http://localhost:/x"},
	{"ws://connect?app_name=my+app", "ws://connect?app_name=my+app"},
	{"wss://connect?fnId=cn-f&stepId=step", "wss://connect?fnId=cn-f&stepId=step"},
	// query
	{"http://h/x?", "http://h/x?"},
	{"http://h/x?deployId=1", "http://h/x"},
	{"http://h/x?b=1&a=2&b=0", "http://h/x?a=2&b=1&b=0"},
	{"http://h/x?a=%20b&c=d+e", "http://h/x?a=+b&c=d+e"},
	{"http://h/x?a=%zz&b=1", "http://h/x?b=1"},
	{"http://h/x?a;b=1&c=%2F", "http://h/x?c=%2F"},
	{"http://h/x?&&=v&a", "http://h/x?=v&a="},
	{"http://h/x?deploy%49d=1&a=1", "http://h/x?a=1"},
	{"http://h/x?a=\xc3\xa9", "http://h/x?a=%C3%A9"},
	{"http://h/x?a=b?c", "http://h/x?a=b%3Fc"},
	// path and fragment
	{"http://h/a%2fb", "http://h/a%2fb"},
	{"http://h/\xc3\xa9?x=1#a b", "http://h/%C3%A9?x=1#a%20b"},
	{"http://h/a%20b c", "http://h/a%20b%20c"},
	{"http://h#frag?ment", "http://h#frag?ment"},
	{"http://b\xc3\xbc/x", "http://b%C3%BC/x"},
	{"/only/path?b=1&a=1", "/only/path?a=1&b=1"},
	{"mailto:joe?b=1&a=1", "mailto:joe?a=1&b=1"},
	{"///x", "///x"},
	{"", ""},
	// no URL
	{"http://a b/c", NULL},
	{"http://h:port/x", NULL},
	{"http://h/%zz", NULL},
	{"http://h/%4", NULL},
	{"http://h/x#%4", NULL},
	{"http://[::1/x", NULL},
	{"http://[::1]x/x", NULL},
	{"http://h%41/x", NULL},
	{"http://u\"@h/x", NULL},
	{":x", NULL},
	{"1a:b/c", NULL},
	{"http://h/\n", NULL},
};

static void urls_are_normalised(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena arena;
		bool valid;
		arena_init(&arena, 0);
		struct str expected = str_from_cstr(cases[i].expected != NULL ? cases[i].expected : cases[i].text);
		struct str url = url_normalise(&arena, str_from_cstr(cases[i].text), &valid);
		if (!str_eq(url, expected) || valid != (cases[i].expected != NULL))
			fail_msg("%s gave %.*s (%d)", cases[i].text, STR_ARG(url), valid);
		// Normal forms stay as they are.
		struct str again = url_normalise(&arena, url, NULL);
		if (!str_eq(again, url)) fail_msg("%.*s gave %.*s", STR_ARG(url), STR_ARG(again));
		arena_free(&arena);
	}
}

static void bytes_that_end_early_are_no_escape(void **state) {
	(void)state;
	struct arena arena;
	arena_init(&arena, 0);
	static const char text[] = "http://h/%41%42?a=%41#%41";
	for (size_t len = 0; len < sizeof(text); len++) {
		char *cut = malloc(len + 1); // so that a read past the end shows
		memcpy(cut, text, len);
		(void)url_normalise(&arena, str_make(cut, len), NULL);
		free(cut);
	}
	arena_free(&arena);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_normalised),
		cmocka_unit_test(bytes_that_end_early_are_no_escape),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
