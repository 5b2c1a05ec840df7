#include "store/late.h"

#include "base/buf.h"

static enum err part_text(struct store *store, const struct late_part *part, struct payload **held, struct str *out,
			  struct error *error) {
	*held = NULL;
	if (part->ref == NULL && part->late == NULL) {
		*out = part->literal;
		return ERR_OK;
	}
	if (part->late != NULL) {
		*held = payload_ref(part->late->text);
	} else if (part->ref->data != NULL) {
		*held = payload_ref(part->ref->data);
	} else {
		enum err err =
			store_body(store, part->ref->kind, str_make(part->ref->key, part->ref->key_len), held, error);
		if (err != ERR_OK) return err;
	}
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
		err = part_text(store, &late->parts[i], &held, &piece, error);
		if (err == ERR_OK) buf_str(&text, piece);
		payload_unref(held);
	}
	bool is_missing = err == ERR_NOT_FOUND || err == ERR_CORRUPT;
	if (is_missing && late->may_be_empty) {
		buf_clear(&text);
		err = ERR_OK;
	}
	if (err == ERR_OK) late->text = payload_new(buf_view(&text));
	buf_free(&text);
	return err;
}
