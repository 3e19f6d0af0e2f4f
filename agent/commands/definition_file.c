/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/definition_file.h"
#include "base/file.h"
#include "base/limits.h"
#include "commands/command.h"
#include <stdio.h>

enum { FINDINGS_TEXT_MAX = 1 << 20 };

bool definition_file_open(DefinitionOfFile *file, const char *path, const char *what)
{
    auto_buffer text, out;
    Error error = {0};
    buffer_init(&text, DOCUMENT_SIZE_MAX);
    buffer_init(&out, FINDINGS_TEXT_MAX);
    *file = (DefinitionOfFile){0};
    if (!file_read(path, DOCUMENT_SIZE_MAX, &text, &error)) {
        complain(STATUS_FAILED, what, error.text);
        return false;
    }
    Findings findings = {0};
    file->catalogue = catalogue_new(".");
    file->definition = catalogue_read_text(file->catalogue, text.bytes, text.length, &findings);
    for (size_t i = 0; i < findings.count; i++) {
        finding_print(&findings.items[i], path, text.bytes, text.length, &out);
    }
    if (out.length) {
        fputs(out.bytes, stderr);
    }
    findings_release(&findings);
    return file->definition != NULL;
}

void definition_file_close(DefinitionOfFile *file)
{
    definition_release(file->definition);
    catalogue_free(file->catalogue);
    *file = (DefinitionOfFile){0};
}
