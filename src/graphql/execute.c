// A request from its text to the body of the response (spec 06 §1).
#include "graphql/execute.h"
#include "base/clock.h"

#define VALIDATION_FAILED "GRAPHQL_VALIDATION_FAILED"
#define PARSE_FAILED "GRAPHQL_PARSE_FAILED"
// Selections looked at for each value that the response may have: documents of fragments in fragments can make this
// work large though the response stays small.
#define VISITS_PER_VALUE 4
#define VISITS_LEAST (16 * GQL_TOKENS_MAX)

enum { STATUS_OK = 200, STATUS_NOT_ACCEPTABLE = 406, STATUS_UNPROCESSABLE = 422 };

// ---- JSON in the arena ---------------------------------------------------------------------------------------------

static void *json_malloc(void *arena, size_t size) {
	return arena_alloc(arena, size);
}

static void *json_realloc(void *arena, void *old, size_t old_size, size_t size) {
	if (size <= old_size) return old;
	void *larger = arena_alloc(arena, size);
	memcpy(larger, old, old_size);
	return larger;
}

static void json_free(void *arena, void *piece) {
	(void)arena;
	(void)piece;
}

// ---- resolving -----------------------------------------------------------------------------------------------------

// Each field has a copy of its arguments, variables in their place: what a client sends once must not become gigabytes.
#define BYTES_PER_VALUE 256 // small arguments cost nothing

static size_t weight(yyjson_mut_val *value) {
	size_t sum = sizeof(yyjson_val) + (yyjson_mut_is_str(value) ? yyjson_mut_get_len(value) : 0);
	size_t i, max;
	yyjson_mut_val *key, *item;
	if (yyjson_mut_is_arr(value)) {
		yyjson_mut_arr_foreach(value, i, max, item) sum += weight(item);
	}
	if (yyjson_mut_is_obj(value)) {
		yyjson_mut_obj_foreach(value, i, max, key, item) sum += weight(key) + weight(item);
	}
	return sum;
}

// NULL with errors.
static yyjson_val *arguments_of(struct gql_execution *execution, const struct gql_group *group,
				const struct gql_column *column) {
	size_t before = execution->errors.count;
	yyjson_mut_val *arguments = gql_coerce_arguments(
		execution->schema, execution->doc, column->field->arguments, column->selection->arguments,
		column->selection->argument_count, execution->variables, &execution->errors);
	if (arguments != NULL && !gql_charge(execution, weight(arguments) / BYTES_PER_VALUE)) return NULL;
	if (arguments != NULL) {
		yyjson_doc *copy = yyjson_mut_val_imut_copy(arguments, &execution->alc);
		CHECK(copy != NULL);
		return yyjson_doc_get_root(copy);
	}
	for (size_t i = before; i < execution->errors.count; i++) {
		struct gql_error *error = &execution->errors.items[i];
		*error = (struct gql_error){.message = error->message, .path = gql_path(execution, group, 0, column)};
	}
	return NULL;
}

static bool is_late(const struct gql_execution *execution) {
	const uint64_t *deadline_ns = execution->deadline_ns;
	return deadline_ns != NULL && *deadline_ns != 0 && clock_mono_ns() >= *deadline_ns;
}

// What has been resolved stands: of a mutation, the client must know.
static void fail_late(struct gql_execution *execution, struct gql_group *group, struct gql_column *column) {
	for (size_t i = 0; i < group->count; i++)
		column->values[i] = (struct gql_value){.kind = GQL_ERROR, .text = STR(GQL_TOO_LATE)};
	gql_complete(execution, group, column);
}

static void resolve_column(struct gql_execution *execution, struct gql_group *group, struct gql_column *column) {
	if (!gql_charge(execution, group->count)) return;
	column->values = ARENA_ARRAY(execution->arena, struct gql_value, group->count);
	if (is_late(execution)) {
		fail_late(execution, group, column);
		return;
	}
	struct gql_call call = {
		.context = execution->context,
		.arena = execution->arena,
		.schema = execution->schema,
		.type = group->type,
		.field = column->field,
		.parents = group->objects,
		.count = group->count,
		.out = column->values,
		.selected = &column->selected,
	};
	if (column->field->arguments != NULL && column->field->resolve != NULL) {
		call.arguments = arguments_of(execution, group, column);
		if (call.arguments == NULL) {
			gql_complete_failed(group, column);
			return;
		}
	}
	gql_resolve *resolve = column->field->resolve != NULL ? column->field->resolve : gql_members_read;
	resolve(&call);
	if (!gql_charge(execution, 0)) return;
	gql_complete(execution, group, column);
}

// The fields of a place, charged before any of them is resolved.
static void collect_group(struct gql_execution *execution, struct gql_group *group, const struct gql_sets *sets) {
	gql_collect(execution, group, sets);
	for (const struct gql_column *column = group->columns; column != NULL; column = column->next) {
		if (!gql_charge(execution, column->field->cost * group->count)) return;
	}
}

static void run_group(struct gql_execution *execution, struct gql_group *group) {
	collect_group(execution, group, &group->column->selected.sets);
	for (struct gql_column *column = group->columns; column != NULL && !execution->is_too_large;
	     column = column->next) {
		resolve_column(execution, group, column);
	}
}

// All groups that are waiting, and those that they bring.
static void run_waiting(struct gql_execution *execution) {
	while (execution->done->next != &execution->groups && !execution->is_too_large) {
		execution->done = execution->done->next;
		run_group(execution, list_entry(execution->done, struct gql_group, all));
	}
}

static void run_root(struct gql_execution *execution, const struct gql_type *type) {
	struct gql_group *root = gql_group_new(execution, type);
	gql_group_fill(execution, root, 1);
	root->rows[0].group = root;
	root->count = 1;
	execution->done = &root->all;
	struct gql_sets sets = {0};
	gql_sets_add(execution->arena, &sets, &execution->operation->selections);
	collect_group(execution, root, &sets);
	bool one_by_one = execution->operation->kind == GQL_MUTATION;
	for (struct gql_column *column = root->columns; column != NULL && !execution->is_too_large;
	     column = column->next) {
		resolve_column(execution, root, column);
		if (one_by_one) run_waiting(execution);
	}
	run_waiting(execution);
	if (!execution->is_too_large) gql_settle(execution);
}

// ---- before that ---------------------------------------------------------------------------------------------------

// False with errors of code GRAPHQL_VALIDATION_FAILED.
static bool refuse(struct gql_execution *execution, struct str message) {
	struct gql_error *error = gql_error_add(&execution->errors);
	error->message = message;
	error->code = VALIDATION_FAILED;
	return false;
}

static bool read_document(struct gql_execution *execution, struct str query) {
	if (str_utf8_prefix(query) != query.len) {
		struct gql_error *error = gql_error_add(&execution->errors);
		error->message = STR("the query is not valid UTF-8");
		error->code = PARSE_FAILED;
		return false;
	}
	if (str_trim(query).len > 0 && !gql_parse(execution->arena, query, &execution->document, &execution->errors)) {
		return false;
	}
	if (execution->document.operation_count == 0) return refuse(execution, STR("no operation provided"));
	return gql_validate(execution->schema, execution->arena, &execution->document, &execution->errors);
}

// Without a name it is the only operation.
static bool choose_operation(struct gql_execution *execution, struct str name) {
	const struct gql_document *document = &execution->document;
	for (size_t i = 0; i < document->operation_count; i++) {
		const struct gql_operation *operation = &document->operations[i];
		if (str_eq(operation->name, name) || (name.len == 0 && document->operation_count == 1)) {
			execution->operation = operation;
			return true;
		}
	}
	return refuse(execution, arena_printf(execution->arena, "operation %.*s not found", STR_ARG(name)));
}

static bool check_depth(struct gql_execution *execution, size_t max) {
	size_t depth = gql_depth(execution->operation);
	if (depth <= max) return true;
	return refuse(execution,
		      arena_printf(execution->arena, "the selection is %zu fields deep, %zu are allowed", depth, max));
}

static bool take_variables(struct gql_execution *execution, yyjson_val *given) {
	if (given != NULL && !yyjson_is_null(given) && !yyjson_is_obj(given)) {
		return refuse(execution, STR("variables must be an object"));
	}
	execution->variables = gql_coerce_variables(execution->schema, execution->arena, execution->doc,
						    execution->operation, given, &execution->errors);
	return execution->variables != NULL;
}

static struct gql_execution *execution_new(const struct gql_schema *schema, void *context, struct arena *arena,
					   const struct gql_limits *limits) {
	struct gql_execution *execution = ARENA_NEW(arena, struct gql_execution);
	execution->schema = schema;
	execution->context = context;
	execution->arena = arena;
	execution->alc = (struct yyjson_alc){json_malloc, json_realloc, json_free, arena};
	execution->doc = yyjson_mut_doc_new(&execution->alc);
	CHECK(execution->doc != NULL);
	list_init(&execution->groups);
	execution->cost_max = limits->cost;
	execution->text_bytes_max = SIZE_MAX;
	execution->deadline_ns = limits->deadline_ns;
	if (limits->bytes > 0) arena_limit(arena, limits->bytes);
	execution->visits_max = VISITS_LEAST + VISITS_PER_VALUE * limits->cost;
	return execution;
}

// ---- bodies --------------------------------------------------------------------------------------------------------

static int write_refusal(const struct gql_execution *execution, struct buf *out) {
	buf_lit(out, "{\"errors\":");
	gql_errors_write(out, &execution->errors);
	buf_lit(out, ",\"data\":null}");
	return STATUS_UNPROCESSABLE;
}

static int write_response(const struct gql_execution *execution, struct buf *out) {
	size_t start = out->len;
	buf_byte(out, '{');
	if (execution->errors.count > 0) {
		buf_lit(out, "\"errors\":");
		gql_errors_write(out, &execution->errors);
		buf_byte(out, ',');
	}
	buf_lit(out, "\"data\":");
	gql_data_write(execution, out);
	buf_byte(out, '}');
	if (out->overflow) {
		out->overflow = false;
		out->len = start;
		gql_write_error(out, STR(GQL_TOO_LARGE), NULL);
	}
	return STATUS_OK;
}

int gql_execute(const struct gql_schema *schema, void *context, struct arena *arena, const struct gql_request *request,
		const struct gql_limits *limits, struct buf *out) {
	struct gql_execution *execution = execution_new(schema, context, arena, limits);
	bool good = read_document(execution, request->query) && choose_operation(execution, request->operation_name) &&
		    check_depth(execution, limits->depth) && take_variables(execution, request->variables);
	if (!good) return write_refusal(execution, out);
	enum gql_operation_kind kind = execution->operation->kind;
	if (kind != GQL_QUERY && request->queries_only) {
		gql_write_error(out, STR("GET requests only allow query operations"), NULL);
		return STATUS_NOT_ACCEPTABLE;
	}
	const struct gql_type *const roots[] = {[GQL_QUERY] = schema->query, [GQL_MUTATION] = schema->mutation};
	if (kind == GQL_SUBSCRIPTION || roots[kind] == NULL) {
		gql_write_error(out, STR("the schema has no such operations"), VALIDATION_FAILED);
		return STATUS_UNPROCESSABLE;
	}
	execution->text_bytes_max = out->max_bytes - out->len;
	run_root(execution, roots[kind]);
	if (execution->is_too_large) {
		gql_write_error(out, STR(GQL_TOO_LARGE), NULL);
		return STATUS_OK;
	}
	return write_response(execution, out);
}
