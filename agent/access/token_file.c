/* SPDX-License-Identifier: Apache-2.0 */
#include "access/token_file.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/stamp.h"

enum { LOOK_MS = 1000 };

struct TokenFile {
    char *path;
    Tokens *tokens;
    Stamp stamp; /* of what was last read */
    int64_t look_at;
    char *error;
    const char *warning;
};

Tokens *token_file_read(const char *path, Findings *findings, Error *error)
{
    auto_buffer text;
    buffer_init(&text, DOCUMENT_SIZE_MAX);
    if (!file_read(path, DOCUMENT_SIZE_MAX, &text, error)) {
        return NULL;
    }
    return tokens_read(text.bytes ? text.bytes : "", text.length, findings);
}

const char *token_file_exposed(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return NULL;
    }
    if (status.st_mode & (S_IWGRP | S_IWOTH)) {
        return "others than its owner may write to it, and so let anybody in";
    }
    return status.st_mode & S_IROTH ? "everybody on this machine may read it" : NULL;
}

/* Its lines are not shown: a token may stand where its digest should. */
static Tokens *read_tokens(const char *path, Error *error)
{
    Findings findings = {0};
    Tokens *tokens = token_file_read(path, &findings, error);
    const Finding *first = findings_first_error(&findings);
    if (first) {
        error_set(error, ERROR_INVALID, "%s:%d:%d: %s", path, first->line, first->column, first->message);
    }
    findings_release(&findings);
    return tokens;
}

TokenFile *token_file_open(const char *path, Error *error)
{
    Stamp stamp = stamp_of_path(path, true);
    Tokens *tokens = read_tokens(path, error);
    if (!tokens) {
        return NULL;
    }
    TokenFile *file = memory_new(sizeof *file);
    *file = (TokenFile){.path = text_copy(path), .tokens = tokens, .stamp = stamp, .warning = token_file_exposed(path)};
    return file;
}

void token_file_free(TokenFile *file)
{
    if (file) {
        tokens_free(file->tokens);
        free(file->path);
        free(file->error);
        free(file);
    }
}

static bool take(TokenFile *file)
{
    Error error = {0};
    Tokens *tokens = read_tokens(file->path, &error);
    text_replace(&file->error, tokens ? NULL : error.text);
    if (!tokens) {
        return false;
    }
    tokens_free(file->tokens);
    file->tokens = tokens;
    return true;
}

bool token_file_look(TokenFile *file, int64_t boot_ms, bool at_once)
{
    if (!at_once && boot_ms < file->look_at) {
        return false;
    }
    file->look_at = boot_ms + LOOK_MS;
    Stamp stamp = stamp_of_path(file->path, true);
    if (!at_once && stamp_equal(&stamp, &file->stamp)) {
        return false;
    }
    file->stamp = stamp; /* what is written while it is read makes another one: it is read again */
    file->warning = token_file_exposed(file->path);
    return take(file);
}

const Tokens *token_file_tokens(const TokenFile *file)
{
    return file->tokens;
}

const char *token_file_error(const TokenFile *file)
{
    return file->error;
}

const char *token_file_warning(const TokenFile *file)
{
    return file->warning;
}
