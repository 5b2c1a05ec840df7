// `inngest expr`: evaluates one expression over JSON from files, and says why it gave what it gave.
#include "cli/expr.h"

#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/file.h"
#include "cli/logging.h"
#include "model/utf8.h"

// Twenty times the largest event that the server takes: enough for any data, and too little to fill a machine.
#define INPUT_MAX (64u << 20)
// What an evaluation may build (CEL_COST_MAX), six times as long in JSON when each byte is escaped, and twice: as the
// result and as its text.
#define OUTPUT_MAX (2000u << 20)

enum { INPUT_EVENT, INPUT_ASYNC, INPUT_VARS, INPUT_COUNT };

static const enum flag_id input_flags[INPUT_COUNT] = {FLAG_ID_EVENT, FLAG_ID_ASYNC, FLAG_ID_VARS};

struct expr {
	struct cli *cli;
	const struct settings *settings;
	struct arena arena;
	yyjson_doc *docs[INPUT_COUNT];
	struct cel_input input;
	struct buf out; // what is printed at the end
	bool json;
};

// ---- what is printed -------------------------------------------------------------------------------------------

// Data may hold bytes that are no UTF-8 (b64decode); what is printed never does.
static int print_out(struct expr *expr, FILE *file, int exit_code) {
	struct buf clean;
	if (expr->out.overflow) {
		fprintf(expr->cli->err, "Error: the result is larger than %u bytes\n", OUTPUT_MAX);
		return CLI_EXIT_EXPR_ERROR;
	}
	if (utf8_valid(buf_view(&expr->out))) {
		fwrite(expr->out.ptr, 1, expr->out.len, file);
		return exit_code;
	}
	buf_init(&clean, SIZE_MAX);
	utf8_repair(&clean, buf_view(&expr->out));
	fwrite(clean.ptr, 1, clean.len, file);
	buf_free(&clean);
	return exit_code;
}

// `place`: of a compile error, else NULL.
static void json_error(struct buf *out, const char *kind, struct str message, const struct cel_failure *place) {
	buf_printf(out, "{\"error\":\"%s\",\"message\":", kind);
	buf_json_str(out, message);
	if (place != NULL)
		buf_printf(out, ",\"line\":%u,\"column\":%u}\n", (unsigned)place->line, (unsigned)place->column);
	else
		buf_lit(out, ",\"line\":null,\"column\":null}\n");
}

static void json_result(struct buf *out, const struct cel_value *value) {
	struct buf text;
	buf_init(&text, OUTPUT_MAX);
	if (value->type == CEL_ERROR) {
		cel_error_text(&text, value);
		json_error(out, cel_error_name((enum cel_error_code)value->error), buf_view(&text), NULL);
	} else {
		cel_text(&text, value);
		buf_printf(out, "{\"type\":\"%s\",\"result\":", expr_type_name((enum cel_type)value->type));
		cel_json(out, value);
		buf_lit(out, ",\"str\":");
		buf_json_str(out, buf_view(&text));
		buf_lit(out, "}\n");
	}
	out->overflow |= text.overflow;
	buf_free(&text);
}

static bool use_colour(const struct expr *expr) {
	return expr->cli->terminal && logging_choose(expr->settings, true).colour;
}

static int fail_input(struct expr *expr, const struct error *error) {
	if (!expr->json) {
		fprintf(expr->cli->err, "Error: %s\n", error->message);
		return CLI_EXIT_EXPR_ERROR;
	}
	json_error(&expr->out, "input", str_from_cstr(error->message), NULL);
	return print_out(expr, expr->cli->out, CLI_EXIT_EXPR_ERROR);
}

static int fail_compile(struct expr *expr, const struct cel_failure *failure) {
	if (expr->json) {
		json_error(&expr->out, cel_error_name(CEL_COMPILE), str_from_cstr(failure->message), failure);
		return print_out(expr, expr->cli->out, CLI_EXIT_EXPR_ERROR);
	}
	struct expr_report report = {&expr->out, false};
	expr_report_failure(&report, settings_word(expr->settings, 0), failure);
	return print_out(expr, expr->cli->err, CLI_EXIT_EXPR_ERROR);
}

// ---- data ------------------------------------------------------------------------------------------------------

static bool is_stdin(struct str path) {
	return str_eq_cstr(path, "-");
}

static enum err read_text(struct str path, struct buf *out, struct error *error) {
	return is_stdin(path) ? file_read_descriptor(STDIN_FILENO, out, error) : file_read(path.ptr, false, out, error);
}

// Canonical first, as the server stores it: of members with the same name the last one counts.
static enum err read_json(struct str path, yyjson_doc **out, struct error *error) {
	struct buf text, canonical;
	buf_init(&text, INPUT_MAX);
	buf_init(&canonical, SIZE_MAX);
	enum err err = read_text(path, &text, error);
	if (err == ERR_OK) err = json_canonicalise(&canonical, buf_view(&text), error);
	if (err == ERR_OK && (*out = json_read(buf_view(&canonical), false, NULL, error)) == NULL) err = error->code;
	buf_free(&canonical);
	buf_free(&text);
	return err;
}

static enum err read_input(struct expr *expr, int which, struct error *error) {
	enum flag_id id = input_flags[which];
	struct str path = settings_text(expr->settings, id);
	if (!settings_given(expr->settings, id)) return ERR_OK;
	enum err err = read_json(path, &expr->docs[which], error);
	if (err == ERR_OK && which == INPUT_VARS && !yyjson_is_obj(yyjson_doc_get_root(expr->docs[which])))
		err = error_set(error, ERR_INVALID, "the JSON is no object; write {\"event\": …, \"async\": …}");
	if (err != ERR_OK)
		error_prefix(error, "cannot read --%s from %.200s", cli_flags[id].name,
			     is_stdin(path) ? "standard input" : path.ptr);
	return err;
}

static void add_binding(struct cel_binding *bindings, size_t *count, struct str name, yyjson_val *value) {
	bindings[(*count)++] = (struct cel_binding){name, value};
}

// The first one of a name counts.
static void bind_roots(struct expr *expr) {
	yyjson_val *vars = yyjson_doc_get_root(expr->docs[INPUT_VARS]), *key;
	struct cel_binding *bindings =
		ARENA_ARRAY(&expr->arena, struct cel_binding, yyjson_obj_size(vars) + INPUT_COUNT);
	size_t count = 0;
	for (int i = INPUT_EVENT; i <= INPUT_ASYNC; i++) {
		if (expr->docs[i] != NULL)
			add_binding(bindings, &count, str_from_cstr(cli_flags[input_flags[i]].name),
				    yyjson_doc_get_root(expr->docs[i]));
	}
	yyjson_obj_iter members = yyjson_obj_iter_with(vars);
	while (vars != NULL && (key = yyjson_obj_iter_next(&members)) != NULL)
		add_binding(bindings, &count, json_str(key), yyjson_obj_iter_get_val(key));
	expr->input = (struct cel_input){.bindings = bindings, .count = count, .now_ns = clock_wall_ns()};
}

static enum err read_inputs(struct expr *expr, struct error *error) {
	enum err err = ERR_OK;
	for (int i = 0; i < INPUT_COUNT && err == ERR_OK; i++) err = read_input(expr, i, error);
	if (err == ERR_OK) bind_roots(expr);
	return err;
}

// ---- the command -----------------------------------------------------------------------------------------------

static int evaluate(struct expr *expr, const struct cel_program *program) {
	struct cel_value result = cel_eval(program, &expr->input, &expr->arena);
	int code = result.type == CEL_ERROR ? CLI_EXIT_EXPR_ERROR
					    : (cel_truthy(&result) ? CLI_EXIT_OK : CLI_EXIT_EXPR_FALSY);
	if (expr->json) {
		json_result(&expr->out, &result);
		return print_out(expr, expr->cli->out, code);
	}
	bool failed = result.type == CEL_ERROR;
	struct expr_report report = {&expr->out, !failed && use_colour(expr)};
	struct cel_explanation explanation;
	cel_explain(program, &expr->input, &expr->arena, &explanation);
	expr_report_result(&report, &result, &explanation);
	expr_report_registration(&report, settings_word(expr->settings, 0));
	return print_out(expr, failed ? expr->cli->err : expr->cli->out, code);
}

static int run(struct expr *expr) {
	struct error error;
	struct cel_failure failure;
	const struct cel_program *program =
		cel_compile(&expr->arena, settings_word(expr->settings, 0), CEL_EVALUATE, &failure);
	if (program == NULL) return fail_compile(expr, &failure);
	if (read_inputs(expr, &error) != ERR_OK) return fail_input(expr, &error);
	return evaluate(expr, program);
}

static const char *wrong_usage(const struct settings *settings) {
	unsigned from_stdin = 0;
	for (int i = 0; i < INPUT_COUNT; i++) from_stdin += is_stdin(settings_text(settings, input_flags[i]));
	return from_stdin > 1 ? "standard input can be read once; write - for one of --event, --async and --vars"
			      : NULL;
}

int expr_run(struct cli *cli, struct settings *settings) {
	struct expr expr = {.cli = cli, .settings = settings};
	const char *wrong = wrong_usage(settings);
	if (wrong != NULL) {
		fprintf(cli->err, "Incorrect Usage: %s\n", wrong);
		return CLI_EXIT_EXPR_ERROR;
	}
	expr.json = settings_on(settings, FLAG_ID_EXPR_JSON) || settings_on(settings, FLAG_ID_JSON);
	arena_init(&expr.arena, 0);
	buf_init(&expr.out, OUTPUT_MAX);
	int code = run(&expr);
	for (int i = 0; i < INPUT_COUNT; i++) yyjson_doc_free(expr.docs[i]);
	buf_free(&expr.out);
	arena_free(&expr.arena);
	return code;
}
