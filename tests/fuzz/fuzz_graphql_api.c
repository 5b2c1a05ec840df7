// Requests to the GraphQL API over a small store: variables as JSON on the first line (none when it is no object), the
// query after it. So cursors, ids, filters and searches come from outside.
#include "api_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	open_world();
	struct str variables, query;
	if (!str_cut(str_make(data, size), '\n', &variables, &query)) query = variables;
	if (str_utf8_prefix(query) != query.len) return 0; // refused before
	yyjson_doc *doc = json_read(variables, false, NULL, NULL);
	yyjson_val *root = yyjson_doc_get_root(doc);
	(void)ask_world(query, yyjson_is_obj(root) ? root : NULL);
	yyjson_doc_free(doc);
	return 0;
}
