#include <stdio.h>

#include "base/check.h"
#include "cli/client_internal.h"

#define CONNECT_TIMEOUT_MS 5000l

// ---- where the server is ---------------------------------------------------------------------------------------

static bool is_local(struct str host) {
	static const char *const hosts[] = {"localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0"};
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		if (str_eq_nocase(host, str_from_cstr(hosts[i]))) return true;
	return false;
}

// What the strongest source says; of one source the first flag.
static struct str address_choose(const struct settings *settings, enum flag_id *chosen) {
	static const enum flag_id flags[] = {FLAG_ID_URL, FLAG_ID_API_HOST, FLAG_ID_API_PORT};
	*chosen = flags[0];
	for (size_t i = 1; i < ARRAY_LEN(flags); i++)
		if (settings->values[flags[i]].source > settings->values[*chosen].source) *chosen = flags[i];
	if (*chosen == FLAG_ID_API_PORT)
		return arena_printf(settings->arena, "localhost:%lld",
				    (long long)settings_number(settings, FLAG_ID_API_PORT));
	return str_trim(settings_text(settings, *chosen));
}

static struct str part_get(CURLU *url, CURLUPart part, struct arena *arena) {
	char *text = NULL;
	if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return STR("");
	struct str copy = arena_dup(arena, str_from_cstr(text));
	curl_free(text);
	return copy;
}

// "host", "host:port" or a URL; without a scheme http for this machine, https for all others.
static const char *address_parse(CURLU *url, struct str text, struct client *client, struct arena *arena) {
	bool has_scheme = str_find_str(text, STR("://")) >= 0;
	struct str whole = arena_printf(arena, "%s%.*s", has_scheme ? "" : "https://", STR_ARG(text));
	CURLUcode code = curl_url_set(url, CURLUPART_URL, whole.ptr, CURLU_DISALLOW_USER);
	if (code != CURLUE_OK) return curl_url_strerror(code);
	client->local = is_local(part_get(url, CURLUPART_HOST, arena));
	if (!has_scheme && client->local) (void)curl_url_set(url, CURLUPART_SCHEME, "http", 0);
	struct str scheme = part_get(url, CURLUPART_SCHEME, arena);
	if (!str_eq_cstr(scheme, "http") && !str_eq_cstr(scheme, "https")) return "it is neither http nor https";
	if (part_get(url, CURLUPART_QUERY, arena).len > 0 || part_get(url, CURLUPART_FRAGMENT, arena).len > 0)
		return "it has more than a host, a port and a path";
	client->url = part_get(url, CURLUPART_URL, arena);
	while (client->url.len > 0 && client->url.ptr[client->url.len - 1] == '/') client->url.len--;
	return NULL;
}

static enum err address_read(struct client *client, const struct settings *settings, struct error *error) {
	enum flag_id flag;
	struct str text = address_choose(settings, &flag);
	CURLU *url = curl_url();
	CHECK(url != NULL);
	const char *wrong = address_parse(url, text, client, settings->arena);
	curl_url_cleanup(url);
	if (wrong == NULL) return ERR_OK;
	return error_set(error, ERR_INVALID, "\"%.*s\" is no address for --%s: %s; write http://HOST:PORT",
			 (int)(text.len > 200 ? 200 : text.len), text.ptr, cli_flags[flag].name, wrong);
}

static bool has_control(struct str text) {
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f) return true;
	return false;
}

enum err client_init(struct client *client, const struct settings *settings, struct error *error) {
	*client = (struct client){.signing_key = str_trim(settings_text(settings, FLAG_ID_CLIENT_SIGNING_KEY))};
	enum err err = address_read(client, settings, error);
	if (err != ERR_OK || client->signing_key.len == 0) return err;
	if (has_control(client->signing_key))
		return error_set(error, ERR_INVALID, "the signing key has control characters; give it on one line");
	if (!client->local && str_starts_with(client->url, STR("http://")))
		return error_set(error, ERR_INVALID,
				 "refusing to send credentials over plaintext HTTP to %.*s; use an https:// target",
				 (int)(client->url.len > 200 ? 200 : client->url.len), client->url.ptr);
	return ERR_OK;
}

// ---- a request -------------------------------------------------------------------------------------------------

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
	struct buf *body = context;
	buf_append(body, bytes, size * count);
	return body->overflow ? 0 : size * count;
}

static struct curl_slist *add_key(const struct client *client, struct curl_slist *headers) {
	if (client->signing_key.len == 0) return headers;
	struct buf line;
	buf_init(&line, SIZE_MAX);
	buf_printf(&line, "Authorization: Bearer %.*s", STR_ARG(client->signing_key));
	buf_byte(&line, '\0');
	headers = curl_slist_append(headers, line.ptr);
	buf_free(&line);
	return headers;
}

enum err client_failure(const struct client *client, CURLcode code, const char *detail, const struct buf *body,
			struct error *error) {
	int len = (int)(client->url.len > 200 ? 200 : client->url.len);
	if (body->overflow) return error_set(error, ERR_TOO_LARGE, "response body exceeded %zu bytes", body->max_bytes);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return error_set(error, ERR_IO, "the server at %.*s does not answer: %s", len, client->url.ptr, detail);
	return error_set(error, ERR_IO,
			 "no server can be reached at %.*s: %s; start one with `inngest dev`, or name another with "
			 "--url or INNGEST_URL",
			 len, client->url.ptr, detail[0] != '\0' ? detail : curl_easy_strerror(code));
}

CURL *client_easy(const struct client *client, struct str path, char *detail, struct curl_slist **headers) {
	CURL *easy = curl_easy_init();
	CHECK(easy != NULL);
	struct buf url;
	buf_init(&url, SIZE_MAX);
	buf_str(&url, client->url);
	buf_str(&url, path);
	buf_byte(&url, '\0');
	*headers = add_key(client, *headers);
	curl_easy_setopt(easy, CURLOPT_URL, url.ptr); // copied
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "inngest-cli/" INNGEST_VERSION);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	if (client->local) curl_easy_setopt(easy, CURLOPT_PROXY, ""); // not even from the environment
	buf_free(&url);
	return easy;
}

enum err client_send(const struct client *client, const struct client_request *request, int *status, struct buf *body,
		     struct error *error) {
	char detail[CURL_ERROR_SIZE] = "";
	long code = 0;
	struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
	bool posts = strcmp(request->method, "POST") == 0;
	if (posts) headers = curl_slist_append(headers, "Content-Type: application/json");
	CURL *easy = client_easy(client, request->path, detail, &headers);
	if (posts) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.len > 0 ? request->body.ptr : "");
	}
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, CLIENT_TIMEOUT_MS);
	CURLcode result = curl_easy_perform(easy);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
	*status = (int)code;
	enum err err = result == CURLE_OK ? ERR_OK : client_failure(client, result, detail, body, error);
	curl_slist_free_all(headers);
	curl_easy_cleanup(easy);
	return err;
}

void client_escape(struct buf *out, struct str text) {
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			     (c != '\0' && strchr("-_.~", c) != NULL);
		if (plain)
			buf_byte(out, c);
		else
			buf_printf(out, "%%%02X", (unsigned char)c);
	}
}
