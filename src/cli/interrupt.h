// Ctrl-C as something to wait for. One catcher at a time; main thread.
#ifndef INNGEST_CLI_INTERRUPT_H
#define INNGEST_CLI_INTERRUPT_H

#include <stdbool.h>

// Until it is released, the first SIGINT makes the descriptor that this returns readable; a second one kills as ever.
int interrupt_catch(void);
void interrupt_release(void);
// Waits for so long, or until there was one: true.
bool interrupt_wait(int timeout_ms);

#endif
