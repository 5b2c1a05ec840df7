// The envelope of a streamed answer, HTTP 201 (spec 02 §4.4). Private to this layer.
#ifndef INNGEST_MODEL_ANSWER_STREAM_H
#define INNGEST_MODEL_ANSWER_STREAM_H

#include "base/error.h"
#include "base/json.h"

struct answer_stream {
	yyjson_doc *doc; // owns what follows; answer_stream_clear
	int status;      // 0 when missing
	// The body: the text of a JSON string in `text`, or the raw JSON in `body`. Neither: empty.
	struct str text;
	yyjson_val *body;
	yyjson_val *headers; // object of strings, or NULL
};
// ERR_INVALID: `error` holds the attempt error, "error parsing stream: …".
ERR_CHECKED enum err answer_stream_read(struct str reply, struct answer_stream *out, struct error *error);
void answer_stream_clear(struct answer_stream *stream);

#endif
