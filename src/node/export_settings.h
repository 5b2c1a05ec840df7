// Whether and where our own spans are exported (spec 05 §24): the standard variables of OpenTelemetry.
//
//   OTEL_EXPORTER_OTLP_ENDPOINT         base address, "/v1/traces" is appended; nothing is exported without one
//   OTEL_EXPORTER_OTLP_TRACES_ENDPOINT  the whole address
//   OTEL_EXPORTER_OTLP_HEADERS          name=value,…  percent-encoded values
//   OTEL_EXPORTER_OTLP_PROTOCOL         http/protobuf (default) or http/json
//   OTEL_EXPORTER_OTLP_COMPRESSION      gzip or none (default)
//   OTEL_EXPORTER_OTLP_TIMEOUT          ms for one request; default 10000
//   OTEL_BSP_SCHEDULE_DELAY             ms for which spans gather; default 5000
//   OTEL_BSP_MAX_EXPORT_BATCH_SIZE      spans in one request; default 512
//   OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES (name=value,…)
//   OTEL_SDK_DISABLED=true, OTEL_TRACES_EXPORTER=none: nothing is exported
// Each of the OTLP ones has a form for traces alone (…_OTLP_TRACES_HEADERS, …), which wins.
#ifndef INNGEST_NODE_EXPORT_SETTINGS_H
#define INNGEST_NODE_EXPORT_SETTINGS_H

#include "trace/otlp.h"

#define EXPORT_TIMEOUT_DEFAULT_MS 10000
#define EXPORT_DELAY_DEFAULT_MS 5000
#define EXPORT_BATCH_DEFAULT 512
#define EXPORT_PAIRS_MAX 64 // headers, and attributes of the resource

struct export_pair {
	struct str name, value;
};
struct export_settings {
	struct arena arena;
	bool is_on;
	struct str url;
	struct str shown_url; // for logs: without user, password and query, which may be secrets
	struct export_pair *headers;
	size_t header_count;
	enum otlp_encoding encoding;
	bool gzips;
	uint32_t timeout_ms, delay_ms;
	size_t batch_max;
	struct otlp_attribute *resource;
	size_t resource_count;
};
// `get` is getenv. ERR_INVALID: what is asked for is not to be had; then nothing is exported. Free it in any case.
ERR_CHECKED enum err export_settings_read(struct export_settings *out, char *(*get)(const char *name),
					  struct str version, struct error *error);
void export_settings_free(struct export_settings *settings);

#endif
