// What an exchange spends its time on. libcurl says when a connection was ready; the rest is by our own clock, as
// libcurl takes the first byte of a long request for the first one of the reply.
#include "base/check.h"
#include "base/clock.h"
#include "driver/http_internal.h"

static uint64_t time_of(struct http_transfer *transfer, CURLINFO info) {
	curl_off_t us = 0;
	curl_easy_getinfo(transfer->easy, info, &us);
	return us > 0 ? (uint64_t)us : 0;
}

struct phase {
	uint64_t *sum;   // NULL: of no interest
	uint64_t end_us; // since the hop began; 0: it has not ended, or did not take place
};

// A phase that did not end lasts until the hop's end, unless a later one did: what a kept connection has behind it.
static void add_phases(const struct phase *phases, size_t count, uint64_t hop_us) {
	uint64_t at_us = 0;
	size_t over = 0;
	for (size_t i = 0; i < count; i++)
		if (phases[i].end_us > 0) over = i + 1;
	for (size_t i = 0; i < count && i <= over; i++) {
		uint64_t until_us = i == over ? hop_us : phases[i].end_us;
		if (until_us > hop_us) until_us = hop_us;
		if (until_us < at_us) until_us = at_us;
		if (phases[i].sum != NULL) *phases[i].sum += until_us - at_us;
		at_us = until_us;
	}
}

void http_timing_add(struct http_transfer *transfer) {
	struct http_timing *timing = &transfer->exchange->timing;
	bool is_tls = str_starts_with_nocase(str_from_cstr(transfer->exchange->url), STR("https:"));
	uint64_t hop_us = (clock_mono_ns() - transfer->hop_ns) / 1000;
	uint64_t reply_us = transfer->reply_ns > 0 ? (transfer->reply_ns - transfer->hop_ns) / 1000 : 0;
	uint64_t connected_us = time_of(transfer, CURLINFO_CONNECT_TIME_T);
	const struct phase phases[] = {
		{&timing->dns_us, time_of(transfer, CURLINFO_NAMELOOKUP_TIME_T)},
		{&timing->connect_us, connected_us},
		{&timing->tls_us, is_tls ? time_of(transfer, CURLINFO_APPCONNECT_TIME_T) : connected_us},
		{NULL, time_of(transfer, CURLINFO_PRETRANSFER_TIME_T)},
		{&timing->server_us, reply_us},
		{&timing->transfer_us, reply_us > 0 ? hop_us : 0},
	};
	add_phases(phases, ARRAY_LEN(phases), hop_us);
	timing->total_us += hop_us;
}
