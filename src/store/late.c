#include "store/late.h"

#include "base/buf.h"
#include "base/id.h"
#include "base/log.h"

// Both flags of a run about the text of its first event hold for this, too (engine/finish.c).
#define STAND_IN_HEAD STR("[{\"data\":null")
#define STAND_IN_TAIL STR(",\"user\":{}}")

// NULL: there is none.
static struct payload *stand_in(const struct payload_ref *ref) {
	size_t first_end = 1 + (size_t)ref->first_len;
	if (first_end < STAND_IN_HEAD.len + STAND_IN_TAIL.len || ref->size < first_end + 1) return NULL;
	struct payload *body = payload_alloc(ref->size);
	memset(body->bytes, ' ', ref->size);
	memcpy(body->bytes, STAND_IN_HEAD.ptr, STAND_IN_HEAD.len);
	memcpy(body->bytes + first_end - STAND_IN_TAIL.len, STAND_IN_TAIL.ptr, STAND_IN_TAIL.len);
	body->bytes[ref->size - 1] = ']';
	return body;
}

// Their keys begin with the id of what they are of.
static void tell_damage(const struct payload_ref *ref, const char *message) {
	const char *what = ref->kind == RECORD_RUN     ? "events of a run"
			   : ref->kind == RECORD_DEFER ? "data that a run defers"
						       : "an event of a batch";
	char id[ULID_TEXT_LEN + 1] = "";
	struct ulid owner;
	if (ref->key_len >= sizeof owner.bytes) {
		memcpy(owner.bytes, ref->key, sizeof owner.bytes);
		ulid_text(&owner, id);
	}
	LOG_ERROR("the database is damaged, a stored text is dropped", LOG_CSTR("text", what), LOG_CSTR("id", id),
		  LOG_CSTR("error", message));
}

static enum err fetch(struct store *store, struct late_text *late, const struct payload_ref *ref, struct payload **out,
		      struct error *error) {
	enum err err = store_body(store, ref->kind, str_make(ref->key, ref->key_len), out, error);
	if (err == ERR_OK && (*out)->len != ref->size) {
		payload_unref(*out);
		*out = NULL;
		err = error_set(error, ERR_CORRUPT, "the body has another size");
	}
	if (err != ERR_NOT_FOUND && err != ERR_CORRUPT) return err;
	if (!late->is_damaged) tell_damage(ref, error->message);
	late->is_damaged = true;
	*out = stand_in(ref);
	return *out != NULL ? ERR_OK : ERR_NOT_FOUND;
}

static enum err part_text(struct store *store, struct late_text *late, const struct late_part *part,
			  struct payload **held, struct str *out, struct error *error) {
	enum err err = ERR_OK;
	*held = NULL;
	if (part->ref == NULL && part->late == NULL) {
		*out = part->literal;
		return ERR_OK;
	}
	if (part->late != NULL)
		*held = payload_ref(part->late->text);
	else if (part->ref->data != NULL)
		*held = payload_ref(part->ref->data);
	else
		err = fetch(store, late, part->ref, held, error);
	if (err != ERR_OK) return err;
	*out = payload_str(*held);
	if (part->len > 0) *out = str_first(str_skip(*out, part->from), part->len);
	return ERR_OK;
}

enum err late_resolve(struct store *store, struct late_text *late, struct error *error) {
	if (!late->is_used || late->text != NULL) return ERR_OK;
	struct buf text;
	buf_init(&text, UINT32_MAX);
	enum err err = ERR_OK;
	for (size_t i = 0; i < late->count && err == ERR_OK; i++) {
		struct payload *held;
		struct str piece;
		err = part_text(store, late, &late->parts[i], &held, &piece, error);
		if (err == ERR_OK) buf_str(&text, piece);
		payload_unref(held);
	}
	if (err != ERR_OK && late->is_damaged) {
		buf_clear(&text);
		err = ERR_OK;
	}
	if (err == ERR_OK) late->text = payload_new(buf_view(&text));
	buf_free(&text);
	return err;
}
