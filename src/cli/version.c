#include "cli/cli.h"

// INNGEST_COMMIT comes from the build and is given to this file only: a commit rebuilds nothing else.
const char *cli_version(void) {
	return INNGEST_VERSION "-" INNGEST_COMMIT;
}
