#include "trace/export.h"

#include "base/check.h"
#include "base/hash.h"
#include "trace/facts.h"
#include "trace/row_attributes.h"

#define OPEN SIZE_MAX
#define NO_FACT SIZE_MAX

// A span, and what its executions say of a discovery, which has no times of its own.
struct told {
	struct map_node by_id;
	const struct span *span;
	size_t end;                                // the fact that ended it; OPEN: none yet
	size_t first_fact, last_fact, last_output; // that tell of it, while it is open; NO_FACT: none
	bool was_told;                             // with an earlier part of the facts
	int64_t started_ns, ended_ns;
	const struct span *last; // of its executions
	struct str step_name;
	bool is_output;
};

struct exporting {
	struct arena *arena;
	const struct trace_export *from;
	struct map by_id;
	struct told *all; // one for each span
};

// ---- what earlier parts have told -----------------------------------------------------------------------------------

void trace_told_init(struct trace_told *told) {
	arena_init(&told->arena, 0);
	map_init(&told->ids);
}

void trace_told_free(struct trace_told *told) {
	map_free(&told->ids);
	arena_free(&told->arena);
}

// Apps report steps again; attempts of calls and what they answered have one fact each.
static bool may_come_again(const struct span *span) {
	return span->kind == SPAN_STEP || span->kind == SPAN_DISCOVERY;
}

static bool was_told(const struct trace_told *told, const struct span *span) {
	return told != NULL && map_first(&told->ids, hash_xxh64(span->id)) != NULL;
}

static void keep_told(const struct exporting *e) {
	struct trace_told *told = e->from->told;
	for (size_t i = 0; told != NULL && i < e->from->spans->count; i++) {
		const struct told *over = &e->all[i];
		if (over->end == OPEN || over->was_told || !may_come_again(over->span)) continue;
		map_insert(&told->ids, ARENA_NEW(&told->arena, struct map_node), hash_xxh64(over->span->id));
	}
}

// ---- which spans are over ------------------------------------------------------------------------------------------

static struct told *find(const struct exporting *e, struct str id) {
	struct map_node *node = map_first(&e->by_id, hash_xxh64(id));
	for (; node != NULL; node = map_next(node)) {
		struct told *told = container_of(node, struct told, by_id);
		if (str_eq(told->span->id, id)) return told;
	}
	return NULL;
}

// False when there is no such span. What was over before stays so.
static bool end(const struct exporting *e, struct span_id id, size_t fact) {
	struct told *told = find(e, str_make(id.text, SPAN_ID_LEN));
	if (told != NULL && told->end == OPEN) told->end = fact;
	return told != NULL;
}

static void end_ops(const struct exporting *e, size_t i) {
	const struct trace_fact *fact = &e->from->facts[i];
	uint32_t attempt = fact->kind == FACT_CALL ? fact->attempt : 0;
	for (size_t k = 0; k < fact->op_count; k++) {
		const struct trace_op *op = &fact->ops[k];
		bool is_error = op->op == OPCODE_STEP_ERROR;
		bool is_run = op->op == OPCODE_STEP || op->op == OPCODE_STEP_RUN || op->op == OPCODE_STEP_FAILED;
		if (is_error && end(e, span_id_attempt(op->id, attempt), i)) continue;
		if (is_error || is_run) (void)end(e, span_id_step(op->id), i);
	}
}

static void end_call(const struct exporting *e, size_t i) {
	const struct trace_fact *fact = &e->from->facts[i];
	const struct ulid *run_id = &e->from->run_id;
	bool slept = fact->slept.len > 0;
	struct uuid group = span_group_id(run_id, fact->job);
	(void)end(e, span_id_execution(run_id, fact->job, fact->attempt), i);
	(void)end(e, span_id_nonstep(&group, fact->attempt), i);
	if (slept) (void)end(e, span_id_sleep(fact->slept), i);
	if (!fact->will_retry)
		(void)end(e, slept ? span_id_after_sleep(fact->slept) : span_id_discovery(run_id, fact->job), i);
	if (fact->outcome == TRACE_OPCODES) end_ops(e, i);
}

static void end_all(const struct exporting *e, size_t i) {
	for (size_t k = 0; k < e->from->spans->count; k++)
		if (e->all[k].end == OPEN) e->all[k].end = i;
}

static void find_ends(const struct exporting *e) {
	for (size_t i = 0; i < e->from->fact_count; i++) {
		const struct trace_fact *fact = &e->from->facts[i];
		if (fact->kind == FACT_CALL) end_call(e, i);
		if (fact->kind == FACT_CHECKPOINT) end_ops(e, i);
		if (fact->kind == FACT_RESUMED) (void)end(e, span_id_wait(&e->from->run_id, fact->step_id), i);
		if (fact->kind == FACT_ENDED) end_all(e, i);
	}
}

// ---- which facts tell of those that are not -------------------------------------------------------------------------

static void mention(const struct exporting *e, struct span_id id, size_t fact, bool is_output) {
	struct told *told = find(e, str_make(id.text, SPAN_ID_LEN));
	if (told == NULL || told->end != OPEN) return;
	if (told->first_fact == NO_FACT) told->first_fact = fact;
	if (is_output) told->last_output = fact;
	told->last_fact = fact;
}

static bool is_output(const struct trace_fact *call) {
	return call->outcome == TRACE_ERROR || facts_is_result(call);
}

static void mention_all(const struct exporting *e, size_t i) {
	const struct trace_fact *fact = &e->from->facts[i];
	const struct ulid *run_id = &e->from->run_id;
	if (fact->kind == FACT_CALL)
		mention(e,
			fact->slept.len > 0 ? span_id_after_sleep(fact->slept) : span_id_discovery(run_id, fact->job),
			i, is_output(fact));
	for (size_t k = 0; k < fact->op_count; k++) mention(e, span_id_step(fact->ops[k].id), i, false);
	if (fact->step_id.len == 0) return;
	mention(e, fact->op == OPCODE_SLEEP ? span_id_sleep(fact->step_id) : span_id_wait(run_id, fact->step_id), i,
		false);
}

static void need(const struct exporting *e, size_t fact) {
	if (fact != NO_FACT) e->from->needed[fact] = true;
}

// The root tells of the call that has ended the run, of the wait by which that did, and of why it was cancelled.
static void need_for_root(const struct exporting *e) {
	const struct trace_export *from = e->from;
	size_t last = NO_FACT, end = NO_FACT;
	for (size_t i = 0; i < from->fact_count; i++) {
		const struct trace_fact *fact = &from->facts[i];
		if (fact->kind == FACT_CANCELLED) need(e, i);
		if (fact->kind != FACT_CALL || fact->outcome == TRACE_CANCELLED) continue;
		last = i;
		if (facts_is_result(fact) || (fact->outcome == TRACE_ERROR && !fact->will_retry)) end = i;
	}
	need(e, last);
	need(e, end);
	if (end == NO_FACT) end = last;
	const struct trace_fact *call = end != NO_FACT ? &from->facts[end] : NULL;
	for (size_t i = 0; call != NULL && call->op_count == 1 && i < from->fact_count; i++)
		if (str_eq(from->facts[i].step_id, call->ops[0].id)) need(e, i);
}

static void find_needed(const struct exporting *e) {
	const struct trace_export *from = e->from;
	bool is_over = false;
	if (from->needed == NULL) return;
	memset(from->needed, 0, from->fact_count * sizeof *from->needed);
	for (size_t i = 0; i < from->fact_count; i++) {
		mention_all(e, i);
		is_over |= from->facts[i].kind == FACT_ENDED;
	}
	for (size_t i = 0; i < from->spans->count; i++) {
		const struct told *told = &e->all[i];
		if (told->end != OPEN || told->was_told) continue;
		need(e, told->first_fact);
		need(e, told->last_fact);
		need(e, told->last_output);
	}
	if (!is_over) need_for_root(e);
}

// ---- what is told of them ------------------------------------------------------------------------------------------

static void note_execution(const struct exporting *e, const struct span *span) {
	struct told *parent = find(e, span->parent);
	if (parent == NULL || parent->span->kind != SPAN_DISCOVERY) return;
	if (parent->last == NULL || span->started_ns < parent->started_ns) parent->started_ns = span->started_ns;
	if (span->ended_ns > parent->ended_ns) parent->ended_ns = span->ended_ns;
	if (span->step_name.len > 0 && !span->is_dropped) parent->step_name = span->step_name;
	parent->is_output |= span->is_output;
	parent->last = span;
}

static void begin(struct exporting *e) {
	const struct trace_spans *spans = e->from->spans;
	map_init(&e->by_id);
	e->all = ARENA_ARRAY(e->arena, struct told, spans->count + 1);
	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->spans[i];
		e->all[i] = (struct told){.span = span,
					  .end = OPEN,
					  .first_fact = NO_FACT,
					  .last_fact = NO_FACT,
					  .last_output = NO_FACT,
					  .was_told = was_told(e->from->told, span),
					  .started_ns = span->started_ns,
					  .ended_ns = span->ended_ns,
					  .step_name = span->step_name,
					  .is_output = span->is_output};
		map_insert(&e->by_id, &e->all[i].by_id, hash_xxh64(span->id));
	}
	for (size_t i = 0; i < spans->count; i++)
		if (spans->spans[i].kind == SPAN_EXECUTION) note_execution(e, &spans->spans[i]);
}

static struct str name_of(const struct exporting *e, const struct told *told) { // 06 §15.4
	const struct span *span = told->span;
	struct str step = told->step_name;
	switch (span->kind) {
	case SPAN_RUN:
		return e->from->function_slug.len > 0 ? e->from->function_slug : STR("Run");
	case SPAN_DISCOVERY:
		return told->is_output ? STR("Finalization") : step.len > 0 ? step : STR("Discovery step");
	case SPAN_EXECUTION:
		return arena_printf(e->arena, "Attempt %u", span->attempt);
	case SPAN_STEP:
		return step.len > 0 ? step : STR("Unknown step");
	default:
		return str_from_cstr(span_kind_names[span->kind]);
	}
}

static enum otlp_status status_of(enum span_status status) {
	switch (status) {
	case SPAN_COMPLETED:
		return OTLP_OK;
	case SPAN_FAILED:
	case SPAN_ERRORED:
	case SPAN_TIMED_OUT:
		return OTLP_ERROR;
	default:
		return OTLP_UNSET;
	}
}

// What a run leaves open is cancelled with it, however it ends, as in the tree.
static enum span_status final_status(const struct told *told) {
	const struct span *span = told->last != NULL ? told->last : told->span;
	return span->ended_ns == 0 && span->kind != SPAN_RUN ? SPAN_CANCELLED : span->status;
}

static void set_times(const struct exporting *e, const struct told *told, struct otlp_span *out) {
	const struct span *span = told->span;
	int64_t start = told->started_ns != 0 ? told->started_ns : span->queued_ns;
	if (start <= 0) start = span->first_ns > 0 ? span->first_ns : 0;
	int64_t until = told->ended_ns != 0 ? told->ended_ns : e->from->ended_ns;
	out->start_ns = (uint64_t)start;
	out->end_ns = (uint64_t)(until > start ? until : start);
}

static void add(struct otlp_span *span, const char *key, bool is_text, struct str value) {
	if (value.len == 0) return;
	span->attributes[span->attribute_count++] =
		(struct otlp_attribute){.key = str_from_cstr(key), .is_text = is_text, .value = value};
}

static void add_list(struct otlp_span *span, const struct otlp_attribute *list, size_t count) {
	for (size_t i = 0; i < count; i++) span->attributes[span->attribute_count++] = list[i];
}

static void tell(const struct exporting *e, const struct told *told, struct otlp_span *out) {
	const struct trace_export *from = e->from;
	struct span span = *told->span;
	*out = (struct otlp_span){.name = name_of(e, told)};
	memcpy(out->trace_id, span.trace_id.ptr, span.trace_id.len < TRACE_ID_LEN ? span.trace_id.len : TRACE_ID_LEN);
	memcpy(out->id, span.id.ptr, span.id.len < SPAN_ID_LEN ? span.id.len : SPAN_ID_LEN);
	if (span.kind != SPAN_RUN)
		memcpy(out->parent_id, span.parent.ptr, span.parent.len < SPAN_ID_LEN ? span.parent.len : SPAN_ID_LEN);
	span.status = final_status(told);
	out->kind = span.kind == SPAN_EXECUTION ? OTLP_CLIENT : OTLP_INTERNAL;
	out->status = status_of(span.status);
	set_times(e, told, out);
	out->attributes = ARENA_ARRAY(e->arena, struct otlp_attribute,
				      ROW_ATTRIBUTES_MAX + from->all_count + from->root_count + 1);
	add(out, "_inngest.span.type", true, str_from_cstr(span_kind_names[span.kind]));
	add_list(out, from->all, from->all_count);
	if (span.kind == SPAN_RUN) add_list(out, from->root, from->root_count);
	out->attribute_count += row_attributes_tell(e->arena, &span, out->attributes + out->attribute_count);
}

static bool is_wanted(const struct exporting *e, const struct told *told) {
	bool is_ours = told->span->kind != SPAN_USERLAND && told->span->kind != SPAN_OTHER;
	return is_ours && !told->was_told && told->end != OPEN && told->end >= e->from->first_new;
}

void trace_export(struct arena *arena, const struct trace_export *from, struct otlp_span **out, size_t *count) {
	struct exporting e = {.arena = arena, .from = from};
	begin(&e);
	find_ends(&e);
	find_needed(&e);
	*count = 0;
	*out = ARENA_ARRAY(arena, struct otlp_span, from->spans->count + 1);
	for (size_t i = 0; i < from->spans->count; i++)
		if (is_wanted(&e, &e.all[i])) tell(&e, &e.all[i], &(*out)[(*count)++]);
	keep_told(&e);
	map_free(&e.by_id);
}
