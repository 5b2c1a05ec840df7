#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/function.h"

static const char *const valid[] = {
	"* * * * *",
	"*/5 * * * *",
	"0 0 1 1 0",
	"59 23 31 12 6",
	"0-30/5,45 1,2,3 ? * MON-fri",
	"5/10 * * jan,DEC *",
	"  0   0  *\t* *  ",
	"TZ=UTC 0 0 * * *",
	"CRON_TZ=UTC 0 0 * * *",
	"TZ= * * * * *",
	"TZ=UTC    0 0 * * *",
};

static const char *const invalid[] = {
	"",
	" ",
	"* * * *",
	"* * * * * *",
	"@daily",
	"@every 1h",
	"60 * * * *",
	"* 24 * * *",
	"* * 0 * *",
	"* * 32 * *",
	"* * * 0 *",
	"* * * 13 *",
	"* * * * 7",
	"*/0 * * * *",
	"*/x * * * *",
	"*/ * * * *",
	"5-1 * * * *",
	"1-2-3 * * * *",
	"-1 * * * *",
	"1, * * * *",
	"mon * * * *",
	"* * * foo *",
	"99999999999999999999 * * * *",
	"TZ=UTC",
	"TZ=UTC ",
	"CRON_TZ=UTC",
	"TZ=No/Such_Zone * * * * *",
	"TZ=../UTC * * * * *",
	"TZ=/etc/passwd * * * * *",
	"TZ=Europe/../../../../etc/passwd * * * * *",
	"TZ=zone.tab * * * * *",
	" TZ=UTC * * * * *",
};

static void schedules_are_told_from_other_texts(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		if (!cron_valid(str_from_cstr(valid[i]))) fail_msg("refused: %s", valid[i]);
	}
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
		if (cron_valid(str_from_cstr(invalid[i]))) fail_msg("taken: %s", invalid[i]);
	}
}

static void zones_are_those_of_the_machine(void **state) {
	(void)state;
	static const char path[] = "/usr/share/zoneinfo/America/New_York";
	bool installed = access(path, R_OK) == 0;
	assert_int_equal(cron_valid(STR("TZ=America/New_York 0 9 * * 1-5")), installed);
	assert_int_equal(cron_valid(STR("CRON_TZ=America/New_York   0 9 * * 1-5")), installed);
	assert_false(cron_valid(STR("TZ=America 0 9 * * 1-5")));
}

static void long_zone_names_are_no_zone(void **state) {
	(void)state;
	char text[4096];
	memset(text, 'A', sizeof(text));
	memcpy(text, "TZ=", 3);
	memcpy(text + sizeof(text) - 10, " * * * * *", 10);
	assert_false(cron_valid(str_make(text, sizeof(text))));
	assert_false(cron_valid(STR("TZ=UTC\0x * * * * *")));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schedules_are_told_from_other_texts),
		cmocka_unit_test(zones_are_those_of_the_machine),
		cmocka_unit_test(long_zone_names_are_no_zone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
