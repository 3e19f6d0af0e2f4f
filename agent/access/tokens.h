/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what: a YAML list of {name, role, sha256}. The tokens themselves are nowhere but with their holders. */
#ifndef SENDPOST_ACCESS_TOKENS_H
#define SENDPOST_ACCESS_TOKENS_H

#include "base/digest.h"
#include "definitions/finding.h"

/* Each may do what those before it may. */
typedef enum Role { ROLE_METRICS, ROLE_READER, ROLE_OPERATOR, ROLES } Role;
extern const char *const role_names[ROLES];

typedef struct Token {
    char *name; /* shown in audit records; several tokens may have one name, while one replaces the other */
    Role role;
    char sha256[DIGEST_HEX_SIZE];
} Token;

typedef struct Tokens {
    Token *items;
    size_t count;
} Tokens;

/* NULL with findings that have an error. An empty list is one: nobody may do anything; a file without a list is not. No
 * finding shows a value: a token may stand there by mistake. */
Tokens *tokens_read(const char *text, size_t length, Findings *findings);
void tokens_free(Tokens *tokens);

/* Whose token it is, or NULL; in a time that does not tell which one, or how near it came. */
const Token *tokens_find(const Tokens *tokens, const char *secret);
const Token *tokens_find_digest(const Tokens *tokens, const char sha256[DIGEST_HEX_SIZE]);

/* The name of a token: some printable characters on one line, at most NAME_MAX_LENGTH bytes. */
bool token_name_fits(const char *name);

#endif
