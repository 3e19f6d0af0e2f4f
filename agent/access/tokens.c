/* SPDX-License-Identifier: Apache-2.0 */
#include "access/tokens.h"
#include "base/memory.h"
#include "base/text.h"
#include "definitions/keys.h"
#include <ctype.h>
#include <string.h>

const char *const role_names[ROLES] = {"metrics", "reader", "operator"};

bool token_name_fits(const char *name)
{
    size_t length = strlen(name);
    bool fits = length > 0 && length <= NAME_MAX_LENGTH && text_is_utf8(name, length);
    for (const char *at = name; *at; at++) {
        fits = fits && (unsigned char)*at >= ' ' && *at != 0x7F;
    }
    return fits && name[0] != ' ' && name[length - 1] != ' ';
}

static void read_name(Reader *reader, const DocumentNode *node, void *target)
{
    const char *text = reader_text(reader, node, "name");
    if (text && !token_name_fits(text)) {
        reader_error(reader, node, "'name' must be 1 to %d printable characters", NAME_MAX_LENGTH);
    } else if (text) {
        text_replace(&((Token *)target)->name, text);
    }
}

static void read_role(Reader *reader, const DocumentNode *node, void *target)
{
    const char *text = reader_text(reader, node, "role");
    for (int role = 0; text && role < ROLES; role++) {
        if (text_equal(text, role_names[role])) {
            ((Token *)target)->role = (Role)role;
            return;
        }
    }
    if (text) {
        reader_error(reader, node, "'role' must be metrics, reader or operator");
    }
}

static void read_digest(Reader *reader, const DocumentNode *node, void *target)
{
    const char *text = reader_text(reader, node, "sha256");
    size_t length = text ? strlen(text) : 0;
    if (!text) {
        return;
    }
    if (length != DIGEST_HEX_SIZE - 1 || strspn(text, "0123456789abcdefABCDEF") != length) {
        reader_error(reader, node,
                     "'sha256' must be %d hexadecimal digits, the SHA-256 of the token: 'sendpost token' makes both",
                     DIGEST_HEX_SIZE - 1);
        return;
    }
    for (size_t i = 0; i <= length; i++) {
        ((Token *)target)->sha256[i] = (char)tolower((unsigned char)text[i]);
    }
}

static const Key token_keys[] = {
    {"name", KEY_CUSTOM, .description = "Whose it is", .required = true, .read = read_name},
    {"role", KEY_CUSTOM, .description = "What it is good for", .required = true, .read = read_role},
    {"sha256", KEY_CUSTOM, .description = "SHA-256 of the token", .required = true, .read = read_digest},
};

static const char *hint(const char *key)
{
    bool secret = text_equal(key, "token") || text_equal(key, "secret") || text_equal(key, "password");
    return secret ? "only its 'sha256' is kept here" : NULL;
}

/* One digest with two roles or names would be a matter of order. */
static void refuse_repeated(Reader *reader, const DocumentNode *node, const Tokens *tokens, const Token *token)
{
    for (size_t i = 0; i < tokens->count && token->sha256[0]; i++) {
        if (strcmp(tokens->items[i].sha256, token->sha256) == 0) {
            reader_error(reader, node, "the same 'sha256' is there already");
            return;
        }
    }
}

static void read_list(Reader *reader, const DocumentNode *list, Tokens *tokens)
{
    tokens->items = memory_new(list->count * sizeof *tokens->items);
    for (size_t i = 0; i < list->count; i++) {
        Token *token = &tokens->items[i];
        keys_read(reader, list->items[i], "a token", token_keys, sizeof token_keys / sizeof *token_keys, token, hint);
        refuse_repeated(reader, list->items[i], tokens, token);
        tokens->count++;
    }
}

Tokens *tokens_read(const char *text, size_t length, Findings *findings)
{
    Reader reader = {.findings = findings};
    DocumentNode *root = document_parse(text, length, findings);
    Tokens *tokens = memory_new(sizeof *tokens);
    if (root && root->kind != DOCUMENT_SEQUENCE) {
        reader_error(&reader, root, "there must be a list of tokens, not %s", document_kind_name(root));
    } else if (root && root->count > TOKENS_MAX) {
        reader_error(&reader, root, "there are more than %d tokens", TOKENS_MAX);
    } else if (root) {
        read_list(&reader, root, tokens);
    }
    document_free(root);
    if (findings->errors > 0) {
        tokens_free(tokens);
        return NULL;
    }
    return tokens;
}

void tokens_free(Tokens *tokens)
{
    for (size_t i = 0; tokens && i < tokens->count; i++) {
        free(tokens->items[i].name);
    }
    if (tokens) {
        free(tokens->items);
    }
    free(tokens);
}

const Token *tokens_find_digest(const Tokens *tokens, const char sha256[DIGEST_HEX_SIZE])
{
    const Token *found = NULL;
    for (size_t i = 0; i < tokens->count; i++) {
        found = digest_equal(tokens->items[i].sha256, sha256) ? &tokens->items[i] : found;
    }
    return found;
}

const Token *tokens_find(const Tokens *tokens, const char *secret)
{
    char sha256[DIGEST_HEX_SIZE];
    size_t length = strlen(secret);
    if (length > TOKEN_LENGTH_MAX) {
        return NULL;
    }
    digest_sha256_hex(secret, length, sha256);
    return tokens_find_digest(tokens, sha256);
}
