// Late texts made whole: the journal (and the simulator) resolve them inside the transaction that writes them.
#ifndef INNGEST_STORE_LATE_H
#define INNGEST_STORE_LATE_H

#include "store/store.h"

// Fills late->text (the late text owns the reference). Writer thread.
ERR_CHECKED enum err late_resolve(struct store *store, struct late_text *late, struct error *error);

#endif
