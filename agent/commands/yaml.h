/* SPDX-License-Identifier: Apache-2.0 */
/* Values as YAML that a definition may hold: JSON in flow style, texts bare where nobody can misread them. */
#ifndef SENDPOST_COMMANDS_YAML_H
#define SENDPOST_COMMANDS_YAML_H

#include "base/buffer.h"
#include "base/json.h"

/* `literal`: what looks like a template is escaped, so that a run sends the text as it is. */
void yaml_write_text(Buffer *out, const char *text, bool literal);
void yaml_write_value(Buffer *out, const Json *value);
/* Whether a definition can hold it: no integers beyond 2^53, not too deep. */
bool yaml_can_hold(const Json *value);

#endif
