// Event triggers: from an event to the functions that it starts (03 §5).
#include <stdlib.h>

#include "engine/engine_internal.h"

static bool is_pattern(struct str name) {
	return str_ends_with(name, STR("/*")) || str_ends_with(name, STR(".*"));
}

// ---- functions -----------------------------------------------------------------------------------------------------

static void entry_add(struct engine *engine, struct trigger_entry *entry, struct arena *arena,
		      const struct trigger *trigger) {
	if (trigger->expression.len > 0) {
		entry->condition = cel_compile(arena, trigger->expression, CEL_EVALUATE, NULL);
		if (entry->condition == NULL) return; // passed registration, and yet: it never holds
	}
	entry->is_pattern = is_pattern(trigger->event);
	if (entry->is_pattern) engine->pattern_triggers++;
	bool needs_all = (entry->condition != NULL && finish_lacks(entry->condition)) ||
			 cancels_lack(entry->function) || entry->function->flow.lack;
	match_index_add(&engine->triggers, &entry->match, trigger->event, entry->condition, needs_all);
}

void triggers_add(struct engine *engine, struct function *function) {
	const struct function_config *config = &function->config;
	function->entries = mem_calloc(config->trigger_count + 1, sizeof *function->entries);
	for (size_t i = 0; i < config->trigger_count; i++) {
		if (config->triggers[i].event.len == 0) continue;
		struct trigger_entry *entry = &function->entries[function->entry_count++];
		entry->function = function;
		entry_add(engine, entry, &function->arena, &config->triggers[i]);
	}
}

void triggers_remove(struct engine *engine, struct function *function) {
	for (size_t i = 0; i < function->entry_count; i++) {
		struct trigger_entry *entry = &function->entries[i];
		if (entry->is_pattern) engine->pattern_triggers--;
		match_index_remove(&engine->triggers, &entry->match);
	}
	free(function->entries);
	function->entries = NULL;
	function->entry_count = 0;
}

// ---- matching ------------------------------------------------------------------------------------------------------

struct search {
	struct engine *engine;
	struct event_form *form;
	void (*start)(void *context, struct function *function);
	void *context;
};

// Said once per function version: the same expression would fail for event after event.
static void complain_once(struct engine *engine, struct trigger_entry *entry, const struct cel_value *result) {
	if (entry->complained) return;
	entry->complained = true;
	complain_value(engine, entry->function, cel_source(entry->condition), result,
		       "a trigger's expression cannot be evaluated, so its event does not start the function");
}

// An error counts as not met (04 §B8); other triggers and functions go on.
static bool holds(const struct search *search, struct trigger_entry *entry) {
	if (entry->condition == NULL) return true;
	struct cel_value result = event_form_eval(search->engine, search->form, entry->condition);
	if (result.type == CEL_BOOL) return result.boolean;
	complain_once(search->engine, entry, &result);
	return false;
}

static void take(void *context, struct match_entry *match) {
	const struct search *search = context;
	struct trigger_entry *entry = container_of(match, struct trigger_entry, match);
	struct function *function = entry->function;
	if (function->matched == search->engine->match_stamp || !holds(search, entry)) return;
	function->matched = search->engine->match_stamp;
	search->start(search->context, function);
}

// The event's name and the patterns that it can match: the text before each '/' + "/*", before each '.' + ".*"
// (03 §5.1).
static void each_name(const struct engine *engine, struct str text, void (*visit)(void *context, struct str name),
		      void *context) {
	visit(context, text);
	if (engine->pattern_triggers == 0) return;
	char *pattern = mem_alloc(text.len + 2);
	for (size_t i = 0; i < text.len; i++) {
		pattern[i] = text.ptr[i];
		if (text.ptr[i] != '/' && text.ptr[i] != '.') continue;
		char next = i + 1 < text.len ? text.ptr[i + 1] : '\0';
		pattern[i + 1] = '*';
		visit(context, str_make(pattern, i + 2));
		pattern[i + 1] = next;
	}
	free(pattern);
}

static void visit_take(void *context, struct str name) {
	const struct search *search = context;
	match_index_visit(search->engine, &search->engine->triggers, name, search->form, take, context);
}

void triggers_match(struct engine *engine, struct str name, struct event_form *form,
		    void (*start)(void *context, struct function *function), void *context) {
	struct search search = {.engine = engine, .form = form, .start = start, .context = context};
	each_name(engine, name, visit_take, &search);
}

struct lateness {
	const struct engine *engine;
	bool found;
};

static void visit_late(void *context, struct str name) {
	struct lateness *lateness = context;
	lateness->found = lateness->found || match_index_needs_all(&lateness->engine->triggers, name);
}

bool triggers_need_all(const struct engine *engine, struct str name) {
	struct lateness lateness = {.engine = engine};
	each_name(engine, name, visit_late, &lateness);
	return lateness.found;
}
