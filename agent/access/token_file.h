/* SPDX-License-Identifier: Apache-2.0 */
/* http.tokens_file: read again when it changes. What cannot be read or has errors leaves those in force that were last
 * good: half a file must neither lock out everybody nor let anybody in. */
#ifndef SENDPOST_ACCESS_TOKEN_FILE_H
#define SENDPOST_ACCESS_TOKEN_FILE_H

#include "access/tokens.h"
#include "base/error.h"
#include <stdint.h>

typedef struct TokenFile TokenFile;

/* NULL: it cannot be read or has errors; error says where, the first of them. */
TokenFile *token_file_open(const char *path, Error *error);
void token_file_free(TokenFile *file);

/* Looks whether it changed: once a second, or at once. True: other tokens are in force than before. */
bool token_file_look(TokenFile *file, int64_t boot_ms, bool at_once);

const Tokens *token_file_tokens(const TokenFile *file);
const char *token_file_error(const TokenFile *file);   /* "FILE:3:5: …"; NULL: what is there is in force */
const char *token_file_warning(const TokenFile *file); /* who else can read or write it; NULL: nobody */

/* The file's tokens, and what is wrong with it; for token_file_open and `check`. NULL with findings, or with an error
 * when it cannot be read. */
Tokens *token_file_read(const char *path, Findings *findings, Error *error);
/* Of its permissions: what everybody may read or others may write. NULL: fine. */
const char *token_file_exposed(const char *path);

#endif
