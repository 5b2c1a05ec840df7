// What comes in from outside about runs: metadata records and the spans of users' code, as rows of `spans` (spec 06
// §18, §19; 09 §4.8). With the writer's connection, inside an open transaction, as history_writer.
//
// What is about a run that is not known is dropped: nobody could see it. Nothing else of a run is changed.
#ifndef INNGEST_HISTORY_ANNOTATIONS_H
#define INNGEST_HISTORY_ANNOTATIONS_H

#include "base/id.h"
#include "model/history_item.h"
#include "model/metadata.h"
#include "trace/userland.h"

struct sqlite3;
struct history_annotator;

// What a COMMAND_ANNOTATE brings: metadata for spans of a run, or spans. A heap object; its slices live in its arena.
struct history_note {
	struct metadata_target target;
	struct metadata_record *records;
	size_t count;
};
struct history_annotation {
	struct annotation base; // first
	struct arena arena;
	struct ulid run_id; // of the notes
	struct history_note *notes;
	size_t note_count;
	struct userland_span *spans;
	size_t span_count;
};
struct history_annotation *history_annotation_new(void);
// All of it; what does not fit is told in `result`.
ERR_CHECKED enum err history_annotation_write(struct history_annotator *annotator,
					      const struct history_annotation *annotation, uint64_t now_ns,
					      struct annotation_result *result, struct error *error);

ERR_CHECKED enum err history_annotator_new(struct sqlite3 *db, struct history_annotator **out, struct error *error);
void history_annotator_free(struct history_annotator *annotator);

// Hangs records on a span of a run, in their order; inngest.ai gets its estimated cost. ERR_TOO_LARGE: a record would
// take the run beyond METADATA_RUN_MAX; those before it are written and stay, so the transaction goes on.
ERR_CHECKED enum err history_annotate(struct history_annotator *annotator, const struct ulid *run_id,
				      const struct metadata_target *target, const struct metadata_record *records,
				      size_t count, uint64_t now_ns, struct error *error);

// Writes spans and their metadata. A span that is there already is passed over. *rejected: spans of runs that are not
// known, or have RUN_USER_SPANS_MAX. Metadata beyond METADATA_RUN_MAX is dropped.
ERR_CHECKED enum err history_add_userland(struct history_annotator *annotator, const struct userland_span *spans,
					  size_t count, size_t *rejected, struct error *error);

#endif
