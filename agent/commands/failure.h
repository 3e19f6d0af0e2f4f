/* SPDX-License-Identifier: Apache-2.0 */
/* A failure report for people. */
#ifndef SENDPOST_COMMANDS_FAILURE_H
#define SENDPOST_COMMANDS_FAILURE_H

#include "base/buffer.h"
#include "base/json.h"

/* Nothing for null. unicode: else what is not ASCII is shown as question marks. */
void failure_print(const Json *failure, bool unicode, Buffer *out);

#endif
