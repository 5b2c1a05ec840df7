// What belongs to one request: a reader of the store for as long as it reads, and questions to the engine.
#include "server/gql/gql.h"

struct history_reader *context_reader(struct gql_context *context, struct error *error) {
	struct reading *reading = &context->reading;
	if (reading->store != NULL) return reading->history;
	if (context->is_put_off) {
		(void)error_set(error, ERR_BUSY, "The server searches for others at the moment");
		return NULL;
	}
	const struct server_config *config = &context->server->config;
	*reading = (struct reading){.server = context->server};
	reading->store = config->reader_borrow(config->context);
	if (reading->store != NULL) reading->history = config->history_of(config->context, reading->store);
	if (reading->history == NULL) {
		context_release(context);
		(void)error_set(error, ERR_BUSY, "The server cannot read its store at the moment");
		return NULL;
	}
	return reading->history;
}

struct history_reader *context_list_reader(struct gql_context *context, const struct run_search *search,
					   struct error *error) {
	bool may_search = search == NULL || context->request == NULL || work_search_begin(context->request);
	if (!may_search) {
		context->is_put_off = true;
		context_release(context);
	}
	return context_reader(context, error);
}

void context_release(struct gql_context *context) {
	reading_close(&context->reading);
}

struct reply *context_ask(struct gql_context *context, struct command *command) {
	context_release(context);
	return server_ask(context->server, command);
}
