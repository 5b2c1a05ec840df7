// GET /v2/account, /envs, /keys/events and /keys/signing: the one account with its one environment (05 §13.6).
#include "base/clock.h"
#include "server/v2.h"

#define ENV_NAME "dev"
#define CREATED_AT "2021-05-13T09:30:04Z"

void v2_account_start(struct request *request) {
	v2_envelope_open(request);
	buf_lit(&request->out, "{\"createdAt\":\"" CREATED_AT "\",\"email\":\"dev@inngest.local\",\"id\":\"" ACCOUNT_ID
			       "\",\"name\":\"Dev Server\",\"updatedAt\":\"" CREATED_AT "\"}");
	v2_envelope_close(request);
	respond_out(request, 200);
}

// Here a limit of 0 is none.
static bool check_limit(struct request *request, size_t max) {
	static const struct v2_query_rule rules[] = {{"limit", NULL, V2_QUERY_INT, 0}};
	int64_t limit = V2_NOT_GIVEN;
	size_t unused;
	if (!v2_query_read(request, rules, ARRAY_LEN(rules), &limit)) return false;
	return v2_query_limit(request, limit == 0 ? -1 : limit, max, &unused);
}

void v2_envs_start(struct request *request) {
	if (!check_limit(request, V2_ENVS_MAX)) return;
	v2_list_open(request);
	buf_lit(&request->out,
		"{\"createdAt\":\"" CREATED_AT "\",\"id\":\"" ENV_ID "\",\"name\":\"" ENV_NAME "\",\"type\":\"TEST\"}");
	v2_list_send(request, NULL);
}

// ---- keys ----------------------------------------------------------------------------------------------------------

static void write_key(struct request *request, struct str key, int64_t now_ns) {
	struct buf *out = &request->out;
	v2_element_open(out);
	v2_time(out, "createdAt", now_ns);
	v2_cstr(out, "environment", ENV_NAME);
	v2_text(out, "key", key);
	v2_object_close(out);
}

static void send_keys(struct request *request, const struct str *keys, size_t count) {
	if (!check_limit(request, V2_PAGE_MAX)) return;
	struct str env = request_header(request, "X-Inngest-Env");
	int64_t now_ns = (int64_t)clock_wall_ns();
	v2_list_open(request);
	for (size_t i = 0; i < count && (env.len == 0 || str_eq_cstr(env, ENV_NAME)); i++)
		write_key(request, keys[i], now_ns);
	v2_list_send(request, NULL);
}

void v2_event_keys_start(struct request *request) {
	const struct server_config *config = &request->server->config;
	send_keys(request, config->event_keys, config->event_key_count);
}

// What tells one signing key from another without giving it away: `signkey-prod-12ab…`. Of the secret itself at most
// four characters, and at most a quarter, are shown.
static struct str mask(struct arena *arena, struct str key) {
	size_t prefix = 0;
	if (str_starts_with(key, STR("signkey-"))) {
		ptrdiff_t dash = str_find(str_skip(key, sizeof "signkey-" - 1), '-');
		if (dash > 0) prefix = sizeof "signkey-" + (size_t)dash;
	}
	size_t shown = (key.len - prefix) / 4;
	return arena_printf(arena, "%.*s\xe2\x80\xa6", (int)(prefix + (shown < 4 ? shown : 4)), key.ptr);
}

void v2_signing_keys_start(struct request *request) {
	struct str key = request->server->config.signing_key;
	if (key.len > 0) key = mask(&request->arena, key);
	send_keys(request, &key, key.len > 0);
}
