/* SPDX-License-Identifier: Apache-2.0 */
#include "api/shapes.h"

static const char *text_or_null(const char *text)
{
    return *text ? text : NULL;
}

void shape_revision(JsonWriter *writer, const CatalogueStatistics *catalogue)
{
    json_write_text(writer, "revision", text_or_null(catalogue->applied));
    json_write_text(writer, "revision_attempted", text_or_null(catalogue->attempted));
}

void shape_directory_errors(JsonWriter *writer, const CatalogueStatistics *catalogue, const Engine *engine)
{
    json_write_text(writer, "directory_error", catalogue->error);
    json_begin_array(writer, "file_errors");
    for (size_t i = 0; i < engine_file_count(engine); i++) {
        const DefinitionFile *file = engine_file_at(engine, i);
        if (file->error) {
            shape_file_error(writer, NULL, file->file, file->error, file->line, file->column);
        }
    }
    json_end_array(writer);
}

void shape_tokens_error(JsonWriter *writer, const TokenFile *tokens)
{
    json_write_text(writer, "tokens_error", tokens ? token_file_error(tokens) : NULL);
}
