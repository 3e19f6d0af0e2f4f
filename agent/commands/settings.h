/* SPDX-License-Identifier: Apache-2.0 */
/* Loading the configuration for a command, with --config and --set; what is wrong with it is printed. */
#ifndef SENDPOST_COMMANDS_SETTINGS_H
#define SENDPOST_COMMANDS_SETTINGS_H

#include "commands/command.h"
#include "configuration/configuration.h"

/* `what` names the command in errors. *configuration stays NULL on failure. */
Status settings_load(const CommandLine *line, const char *what, Configuration **configuration);

/* The same for who prints all of it itself: the findings and the file (NULL: none) are the caller's, *error says what
 * has no place in a file. */
Status settings_read(const CommandLine *line, Configuration **configuration, Findings *findings, char **file,
                     Error *error);

#endif
