/* SPDX-License-Identifier: Apache-2.0 */
/* What `run` sends: the body of a trigger, from -p, --params-json and the other options. */
#ifndef SENDPOST_COMMANDS_TRIGGER_H
#define SENDPOST_COMMANDS_TRIGGER_H

#include "base/json.h"
#include "commands/command.h"

/* Everything that is wrong with the options is found here, before the agent is asked. *file is the object of
 * --params-json (free with json_free), NULL when it is not given. */
bool trigger_read(const CommandLine *line, Json **file, Error *error);

/* -p replaces members of the file. A value is as its parameter's declared type has it: of type string it is a string,
 * else JSON if it parses, else a string. `sendpost` is the API's answer, which declares. */
void trigger_write(const CommandLine *line, const Json *file, const Json *sendpost, Buffer *body);

#endif
