/* SPDX-License-Identifier: Apache-2.0 */
/* What tells the runs of this agent from those of others, so that it must never get lost: it stands in the journal,
 * where a backup takes it along, and beside it, as a journal that was damaged begins anew. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/store.h"
#include <string.h>

enum { NAMESPACE_MAX = 128 };

#define NAME "namespace"

static bool read_beside(const char *file, char **namespace, Error *error)
{
    auto_buffer text;
    buffer_init(&text, NAMESPACE_MAX);
    Error missing = {0};
    if (file_read(file, NAMESPACE_MAX, &text, &missing) && text.length) {
        text.bytes[strcspn(text.bytes, "\r\n")] = '\0';
        *namespace = text_copy(text.bytes);
    }
    return missing.kind == ERROR_NONE || missing.kind == ERROR_NOT_FOUND ||
           error_set(error, missing.kind, "%s", missing.text);
}

/* In the journal or beside it is enough for now: a full disk must not keep the agent from starting. */
static bool keep(Journal *journal, const char *file, const char *namespace, const char *within, const char *beside,
                 Error *error)
{
    bool kept = text_equal(beside, namespace) || file_write(file, namespace, strlen(namespace), error);
    bool put = text_equal(within, namespace) || fact_put(journal, NAME, namespace, NULL);
    return kept || put;
}

char *journal_namespace(Journal *journal, const char *given, const char *fresh, Error *error)
{
    auto_free char *file = text_format("%s.namespace", journal->path);
    auto_free char *within = NULL, *beside = NULL;
    if (!fact_find(journal, NAME, &within, error)) {
        return NULL;
    }
    if (*given) { /* what stands beside it is then nobody's business */
        fact_put(journal, NAME, given, NULL);
        return text_copy(given);
    }
    if (!read_beside(file, &beside, error)) {
        return NULL;
    }
    const char *namespace = within ? within : beside ? beside : fresh;
    return keep(journal, file, namespace, within, beside, error) ? text_copy(namespace) : NULL;
}
