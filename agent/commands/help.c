/* SPDX-License-Identifier: Apache-2.0 */
/* help, version and schema: what the binary says of itself. */
#include "base/text.h"
#include "base/version.h"
#include "commands/command.h"
#include "configuration/configuration.h"
#include "definitions/schema.h"
#include <stdio.h>

enum { HELP_MAX = 1 << 16, SCHEMA_MAX = 1 << 20 };

static Status help(const CommandLine *line)
{
    auto_buffer out;
    buffer_init(&out, HELP_MAX);
    if (line->argument_count == 0) {
        commands_print_help(&out);
        print(&out);
        return STATUS_DONE;
    }
    const Command *command = command_find(line->arguments[0]);
    if (!command) {
        return command_unknown(line->arguments[0]);
    }
    command_print_help(command, &out);
    print(&out);
    return STATUS_DONE;
}

static Status version(const CommandLine *line)
{
    (void)line;
    printf("sendpost %s (%s)\n", sendpost_version, sendpost_commit);
    return STATUS_DONE;
}

static Status schema(const CommandLine *line)
{
    auto_buffer out;
    buffer_init(&out, SCHEMA_MAX);
    if (text_equal(line->arguments[0], "definition")) {
        definition_schema_print(&out);
    } else if (text_equal(line->arguments[0], "agent")) {
        configuration_schema_print(&out);
    } else {
        return complain(STATUS_USAGE, "schema", "which one? 'definition' or 'agent'");
    }
    print(&out);
    return STATUS_DONE;
}

const Command command_help = {
    .name = "help", .arguments = "[COMMAND]", .most = 1, .summary = "Says what the commands do", .run = help};
const Command command_version = {
    .name = "version", .arguments = "", .summary = "Prints version and commit", .run = version};
const Command command_schema = {.name = "schema",
                                .arguments = "definition|agent",
                                .least = 1,
                                .most = 1,
                                .summary = "Prints the JSON Schema of definitions or of the configuration",
                                .run = schema};
