/* SPDX-License-Identifier: Apache-2.0 */
/* Following a run until its end: a line for each change of a stage; on a terminal a view that is drawn again. */
#ifndef SENDPOST_COMMANDS_FOLLOW_H
#define SENDPOST_COMMANDS_FOLLOW_H

#include "commands/client.h"

/* STATUS_DONE when the run completed, STATUS_FAILED when it did not. json: print only the last answer. */
Status follow_run(Client *client, const char *what, const char *run_id, bool json);

#endif
