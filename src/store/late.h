// Late texts made whole: the journal (and the simulator) resolve them inside the transaction that writes them.
#ifndef INNGEST_STORE_LATE_H
#define INNGEST_STORE_LATE_H

#include "store/store.h"

// A file may be damaged, and a body that is gone will not come back: it is told of in the log, and the text is empty
// then. But for the events of a run, whose end others are to hear of: in their place stands an array of as many bytes
// with one event that says nothing.
//
// Fills late->text (the late text owns the reference). Writer thread.
ERR_CHECKED enum err late_resolve(struct store *store, struct late_text *late, struct error *error);

#endif
