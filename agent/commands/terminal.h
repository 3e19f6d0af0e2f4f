/* SPDX-License-Identifier: Apache-2.0 */
/* Whether standard output is a terminal on which a picture can be drawn again, and what it can show. */
#ifndef SENDPOST_COMMANDS_TERMINAL_H
#define SENDPOST_COMMANDS_TERMINAL_H

#include "commands/picture.h"

/* False: it is none, or one that only takes lines. *screen is filled in any case. */
bool terminal_open(Screen *screen);
/* Asks for its size again. True: it is another one. */
bool terminal_resized(Screen *screen);

#endif
