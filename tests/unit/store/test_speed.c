// What things cost on this machine. Prints only: numbers are for people, and other programs run here too.
#include "store_test.h"

#include "base/clock.h"

#define RUNS 1000
#define STEPS 10 // of a run; then its records go, as the engine does it
#define BATCH 50

// Run ids ascend with time, as ULIDs do.
static void set_key(struct record *record, uint32_t run, uint32_t step) {
	memset(record->key, 0x5A, 20);
	for (int i = 0; i < 4; i++) {
		record->key[i] = (uint8_t)(run >> (24 - 8 * i));
		record->key[16 + i] = (uint8_t)(step >> (24 - 8 * i));
	}
}

static struct record make_step(uint8_t kind, uint32_t run, uint32_t step, struct str head, struct payload *body) {
	struct record record = {.op = RECORD_PUT, .kind = kind, .key_len = 20, .head = head, .body = body};
	set_key(&record, run, step);
	return record;
}

static void write_step(struct store *store, uint32_t run, uint32_t step, struct str head, struct payload *body) {
	struct record put_step = make_step(RECORD_STEP, run, step, head, body);
	struct record put_item = make_step(RECORD_ITEM, run, 0, head, NULL);
	write_record(store, &put_step);
	write_record(store, &put_item);
	if (step + 1 < STEPS) return;
	put_step.op = put_item.op = RECORD_DELETE_PREFIX;
	put_step.key_len = put_item.key_len = 16;
	write_record(store, &put_step);
	write_record(store, &put_item);
}

static void measure_steps(struct store *store, const char *name, struct payload *body) {
	char head[100];
	memset(head, 'h', sizeof head);
	int transactions = 2 * RUNS * STEPS / BATCH;
	uint64_t before = clock_mono_ns();
	for (int i = 0; i < transactions; i++) {
		begin(store);
		for (int k = 0; k < BATCH; k++) {
			uint32_t n = (uint32_t)(i * BATCH + k);
			uint32_t generation = n / (RUNS * STEPS);
			write_step(store, generation * RUNS + n % RUNS, n / RUNS % STEPS, str_make(head, sizeof head),
				   body);
		}
		commit(store);
	}
	double ns = (double)(clock_mono_ns() - before);
	print_message("%-7s %6.2f us a step (%d steps a transaction)\n", name, ns / 1000 / transactions / BATCH, BATCH);
}

static void test_steps(void **state) {
	(void)state;
	static const char *const names[] = {"none", "os", "fsync"};
	char bytes[100];
	memset(bytes, 'b', sizeof bytes);
	struct payload *body = payload_new(str_make(bytes, sizeof bytes));
	for (enum durability level = DURABILITY_NONE; level <= DURABILITY_FSYNC; level++) {
		struct test_dir dir;
		test_dir_make(&dir);
		struct store *store = open_db(dir.db, level, 0);
		measure_steps(store, names[level], body);
		store_close(store);
		test_dir_remove(&dir);
	}
	struct store *store = store_open_memory();
	measure_steps(store, "memory", body);
	store_close(store);
	payload_unref(body);
}

static enum err count_record(void *context, uint8_t kind, struct str key, struct str head, struct error *error) {
	(void)kind, (void)key, (void)head, (void)error;
	++*(uint64_t *)context;
	return ERR_OK;
}

static void test_load(void **state) {
	(void)state;
	struct test_dir dir;
	test_dir_make(&dir);
	struct store *store = open_db(dir.db, DURABILITY_NONE, 0);
	char text[200];
	memset(text, 't', sizeof text);
	struct payload *body = payload_new(str_make(text, sizeof text));
	begin(store);
	for (uint32_t i = 0; i < 100000; i++) {
		struct record record = make_step(RECORD_RUN, i, 0, str_make(text, 100), body);
		write_record(store, &record);
	}
	commit(store);
	store_close(store);
	payload_unref(body);
	uint64_t before = clock_mono_ns(), count = 0, quarantined;
	store = open_db(dir.db, DURABILITY_OS, 0);
	double open_ms = (double)(clock_mono_ns() - before) / 1e6;
	struct error error;
	assert_ok(store_load(store, count_record, &count, &quarantined, &error), &error);
	print_message("opened in %.1f ms, %llu records loaded after %.1f ms\n", open_ms, (unsigned long long)count,
		      (double)(clock_mono_ns() - before) / 1e6);
	assert_int_equal(count, 100000);
	store_close(store);
	test_dir_remove(&dir);
}

static void test_memory_life(void **state) {
	(void)state;
	uint64_t before = clock_mono_ns();
	for (int i = 0; i < 1000; i++) store_close(store_open_memory());
	print_message("memory store: %.2f us to open and close\n", (double)(clock_mono_ns() - before) / 1e6);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_memory_life),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
