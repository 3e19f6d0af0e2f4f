/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about text that several folders ask. Nothing here allocates. */
#ifndef SENDPOST_BASE_TEXT_H
#define SENDPOST_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool text_equal(const char *a, const char *b); /* NULL equals only NULL */
bool text_starts_with(const char *text, const char *prefix);

/* Valid UTF-8 (no surrogates, no overlong forms, no NUL) in the first `length` bytes. */
bool text_is_utf8(const char *text, size_t length);
/* Length of the longest such prefix. */
size_t text_utf8_prefix(const char *text, size_t length);
/* Number of code points in the first `length` bytes of valid UTF-8. */
size_t text_characters(const char *text, size_t length);
/* The longest prefix of text of at most `maximum` bytes that does not cut a UTF-8 character. */
size_t text_cut(const char *text, size_t maximum);

/* For one line that people read: control characters become spaces, bytes that are not UTF-8 (a character cut in two)
 * become question marks. */
void text_make_printable(char *text);

/* The name of a sendpost or stage: [a-z0-9]([a-z0-9-]*[a-z0-9])?, at most NAME_MAX_LENGTH bytes. */
bool text_is_name(const char *text);

/* A UUID in its canonical 36 character form, any case. */
bool text_is_uuid(const char *text);

/* The candidate nearest to `text` if it is near enough to be a slip of the fingers, else NULL. */
const char *text_nearest(const char *text, const char *const *candidates, size_t count);

/* The whole text is a decimal integer within [minimum, maximum]. */
bool text_to_integer(const char *text, int64_t minimum, int64_t maximum, int64_t *value);

#endif
