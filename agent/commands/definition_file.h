/* SPDX-License-Identifier: Apache-2.0 */
/* One definition, for commands that work on a single file. */
#ifndef SENDPOST_COMMANDS_DEFINITION_FILE_H
#define SENDPOST_COMMANDS_DEFINITION_FILE_H

#include "catalogue/catalogue.h"

typedef struct DefinitionOfFile {
    Catalogue *catalogue; /* owns the definition's zones */
    Definition *definition;
} DefinitionOfFile;

/* `what` names the command in errors. False: what is wrong with the file was printed on standard error. */
bool definition_file_open(DefinitionOfFile *file, const char *path, const char *what);
void definition_file_close(DefinitionOfFile *file); /* legal on a zeroed one */

#endif
