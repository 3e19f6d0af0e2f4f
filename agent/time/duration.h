/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as users write them: whole numbers and units ms s m h d, also joined: 1h30m. */
#ifndef SENDPOST_TIME_DURATION_H
#define SENDPOST_TIME_DURATION_H

#include "base/error.h"
#include <stdint.h>

enum { DURATION_TEXT_SIZE = 48 };

/* Milliseconds, 0 or more, at most 100 years. Units must fall (1h30m, not 30m1h) and come once each. Bare numbers are
 * refused. */
bool duration_parse(const char *text, int64_t *duration_ms, Error *error);

/* The shortest such text: 5400000 is 1h30m, 0 is 0s. Not negative. */
void duration_format(int64_t duration_ms, char text[DURATION_TEXT_SIZE]);

#endif
