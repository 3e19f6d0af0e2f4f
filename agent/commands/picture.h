/* SPDX-License-Identifier: Apache-2.0 */
/* A run as it looks on a terminal at one moment: a line for it, a line for each stage. Pure. */
#ifndef SENDPOST_COMMANDS_PICTURE_H
#define SENDPOST_COMMANDS_PICTURE_H

#include "base/buffer.h"
#include "base/json.h"

typedef struct Screen {
    int columns, rows;
    bool colour, unicode;
} Screen;

/* Both are the API's answers; `sendpost` says how long things took before (NULL: nobody knows). Each line ends with a
 * line feed and is shorter than the screen is wide; there are fewer than it has rows. Returns how many. */
int picture_draw(const Json *run, const Json *sendpost, int64_t now_ms, const Screen *screen, Buffer *out);

#endif
