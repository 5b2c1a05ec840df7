// What the app counts, and the times that it takes.
#include "app.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/id.h"

// Runs whose last answer is remembered; a slot taken by another run costs one sample.
#define RUN_SLOTS 65536
// Numbers of runs that are counted once, see app_stats_first_result().
#define RUN_NUMBERS (1u << 24)
#define NS_PER_MS 1000000ull

struct app_stats app_stats;

static uint64_t due_ns; // of the functions with REST_UNTIL; wall clock
static struct answered {
	uint64_t run;
	uint64_t at_ns;
} last_answers[RUN_SLOTS];
static uint8_t ended[RUN_NUMBERS / 8]; // bits

void app_stats_set_due(uint64_t due_s) {
	due_ns = due_s * 1000000000;
}

static struct answered *run_slot(const struct app_call *call, uint64_t *run) {
	*run = hash_xxh64(app_json_text(call->body, STR("\"run_id\"")));
	return &last_answers[*run % RUN_SLOTS];
}

static void note_resumed(const struct app_call *call, uint64_t now_ns) {
	uint64_t from_ns = due_ns;
	if (scenarios[call->function].rest == REST_UNTIL) {
		now_ns = clock_wall_ns();
	} else {
		ptrdiff_t steps = str_find_str(call->body, STR("\"steps\":{"));
		struct str step = steps < 0 ? STR("") : str_skip(call->body, (size_t)steps);
		if (!str_to_u64(app_json_text(step, STR("\"sent\"")), &from_ns)) return;
	}
	if (now_ns >= from_ns)
		histogram_add(&app_stats.resume, now_ns - from_ns);
	else
		app_stats.early++;
}

// A debounce is due after the silence that follows its last event; the run's id tells when it was made.
static void note_fired(const struct app_call *call) {
	uint64_t ts_ms;
	struct ulid run;
	if (!str_to_u64(app_json_number(call->body, STR("\"ts\"")), &ts_ms)) return;
	if (!ulid_parse(app_json_text(call->body, STR("\"run_id\"")), &run)) return;
	uint64_t due_at_ms = ts_ms + scenarios[call->function].debounce_ms, run_ms = ulid_time_ms(&run);
	if (run_ms < due_at_ms) {
		app_stats.early++;
		return;
	}
	histogram_add(&app_stats.fired, (run_ms - due_at_ms) * NS_PER_MS);
	histogram_add(&app_stats.resume, clock_wall_ns() - due_at_ms * NS_PER_MS);
}

void app_stats_called(const struct app_call *call, uint64_t now_ns) {
	uint64_t sent_ns, run;
	app_stats.calls++;
	if (call->first) {
		if (scenarios[call->function].debounce_ms > 0) note_fired(call);
		struct str sent = app_json_text(call->body, STR("\"sent\""));
		if (str_to_u64(sent, &sent_ns) && sent_ns < now_ns)
			histogram_add(&app_stats.event_to_call, now_ns - sent_ns);
	} else if (call->function == SCENARIO_SEQUENTIAL) {
		const struct answered *answered = run_slot(call, &run);
		if (answered->run == run) histogram_add(&app_stats.step_to_step, now_ns - answered->at_ns);
	} else if (scenarios[call->function].rest != REST_NOT && call->memoised > 0) {
		note_resumed(call, now_ns);
	}
}

void app_stats_answered(const struct app_call *call) {
	uint64_t run;
	if (call->function != SCENARIO_SEQUENTIAL) return;
	struct answered *slot = run_slot(call, &run);
	*slot = (struct answered){run, clock_mono_ns()};
}

// A call may be repeated after a crash; a run that rested is counted once, by the number in its event's data, so that
// no repetition hides a loss.
bool app_stats_first_result(const struct app_call *call) {
	uint64_t number;
	if (scenarios[call->function].rest == REST_NOT) return true;
	if (!str_to_u64(app_json_number(call->body, STR("\"i\"")), &number) || number >= RUN_NUMBERS) return false;
	uint8_t bit = (uint8_t)(1u << (number % 8)), *bits = &ended[number / 8];
	bool first = (*bits & bit) == 0;
	*bits |= bit;
	return first;
}

static void append_percentiles(struct buf *out, const char *name, const struct histogram *histogram) {
	buf_printf(out, ",\"%s\":{\"count\":%llu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}", name,
		   (unsigned long long)histogram->count, histogram_percentile_us(histogram, 0.50),
		   histogram_percentile_us(histogram, 0.99), histogram_percentile_us(histogram, 1));
}

void app_stats_json(struct buf *out) {
	const struct app_stats *stats = &app_stats;
	buf_printf(out, "{\"calls\":%llu,\"results\":%llu,\"strays\":%llu,\"early\":%llu",
		   (unsigned long long)stats->calls, (unsigned long long)stats->results,
		   (unsigned long long)stats->strays, (unsigned long long)stats->early);
	append_percentiles(out, "event_to_call", &stats->event_to_call);
	append_percentiles(out, "step_to_step", &stats->step_to_step);
	append_percentiles(out, "resume", &stats->resume);
	append_percentiles(out, "fired", &stats->fired);
	buf_byte(out, '}');
}
