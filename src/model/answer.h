// An app's answer to one call, read into what the engine acts on (spec 02 §4, §5).
#ifndef INNGEST_MODEL_ANSWER_H
#define INNGEST_MODEL_ANSWER_H

#include "model/opcode.h"

enum answer_kind {
	ANSWER_OPCODES, // 206 from an SDK: apply `ops`
	ANSWER_RESULT,  // the run is over: `output` is its result
	ANSWER_ERROR,   // the attempt failed: retried, or the run fails
};

// What the exchange with the app was like, for people (06 §14, §18.2). answer_read fills in what the reply says, with a
// stream envelope taken off; the driver adds the times.
struct answer_exchange {
	uint32_t status; // HTTP; 0: no reply
	struct str
		headers; // JSON object of name to text, or to an array of texts when it came more than once; names
			 // in canonical form (X-Inngest-Sdk), values of secret ones "[REDACTED]" (§18.3). Empty: none
	uint32_t output_bytes; // of the body, decoded
	// What the time was spent on; 0 also where nothing is known.
	uint32_t dns_ms, connect_ms, tls_ms, server_ms, transfer_ms, total_ms;
};
#define ANSWER_HEADERS_MAX (16u << 10) // bytes of that JSON; what does not fit is left out

struct answer {
	enum answer_kind kind;
	struct answer_exchange exchange;
	int request_version;  // X-Inngest-Req-Version, 0 when absent
	bool no_retry;        // 02 §4.5
	uint64_t retry_at_ms; // 0: none (02 §9.3, already clipped)
	struct opcode *ops;   // arena array; owned payloads inside
	size_t op_count;
	// RESULT: canonical JSON of the result, NULL when the body was empty.
	// ERROR: what data.result of inngest/function.failed shows (canonical JSON), NULL when absent.
	struct payload *output;
	// ERROR only:
	struct str error;               // attempt error text, e.g. `invalid status code: 500`
	struct payload *standard_error; // canonical JSON StandardError (02 §5.2) for data.error
	int status;                     // final HTTP status, 0 on transport errors
};
void answer_release(struct answer *answer);

// The reply as the driver got it (after decompression and redirects).
struct answer_header {
	struct str name;
	struct str value;
};
struct http_reply {
	int status;
	const struct answer_header *headers;
	size_t header_count;
	struct str body;
	bool body_too_large; // > CALL_RESPONSE_MAX: `body` is cut
};

// Reads a reply into an answer (never fails: whatever is wrong becomes ANSWER_ERROR with the reference's text).
// `now_ms` resolves Retry-After.
void answer_read(struct arena *arena, const struct http_reply *reply, uint64_t now_ms, struct answer *out);
// An attempt error without a usable reply (02 §4.8, §5.4), e.g. "Unable to reach SDK URL".
// `code` is the system error code (output_too_large …) or empty.
void answer_from_failure(struct arena *arena, struct str code, struct str message, struct answer *out);
// {"error":E,"name":N,"message":M} as canonical JSON, for failures that the engine itself decides (02 §5.4).
struct payload *standard_error_make(struct str error, struct str name, struct str message, struct str stack);
// Value of Retry-After → absolute ms, 0 when it is to be ignored (02 §9.3).
uint64_t retry_after_parse(struct str value, uint64_t now_ms);
// X-Inngest-No-Retry and the version rule (02 §4.5).
bool no_retry_decide(struct str no_retry_header, int status, struct str sdk_header);

#endif
