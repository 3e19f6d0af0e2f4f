/* SPDX-License-Identifier: Apache-2.0 */
/* The text between the braces: name="value" pairs, escaped once for an owner and then only copied. */
#ifndef SENDPOST_METRICS_LABELS_H
#define SENDPOST_METRICS_LABELS_H

#include "base/buffer.h"

/* A part of a buffer. */
typedef struct Text {
    size_t at, length;
} Text;

/* Appends name="value", with a comma before it when `texts` goes on after `begin`. NULL is the empty value. */
void label_append(Buffer *texts, size_t begin, const char *name, const char *value);
void label_append_length(Buffer *texts, size_t begin, const char *name, const char *value, size_t length);

/* What was appended since `begin`. */
static inline Text text_since(const Buffer *texts, size_t begin)
{
    return (Text){begin, texts->length - begin};
}

Text one_label(Buffer *texts, const char *name, const char *value);
Text two_labels(Buffer *texts, const char *name, const char *value, const char *second, const char *second_value);

#endif
