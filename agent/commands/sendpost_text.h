/* SPDX-License-Identifier: Apache-2.0 */
/* What there is to know of a sendpost, for people. */
#ifndef SENDPOST_COMMANDS_SENDPOST_TEXT_H
#define SENDPOST_COMMANDS_SENDPOST_TEXT_H

#include "base/buffer.h"
#include "base/json.h"

/* The API's Sendpost, as it came: texts in it are not made printable but where they would break a line. */
void sendpost_print(const Json *json, Buffer *out);

#endif
