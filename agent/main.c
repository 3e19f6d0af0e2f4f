/* SPDX-License-Identifier: Apache-2.0 */
/* The commands, and nothing else. */
#include "base/memory.h"
#include "base/text.h"
#include "commands/command.h"
#include <stdio.h>

const Command *const commands[] = {
    &command_agent,
    &command_check,
    &command_next,
    &command_list,
    &command_show,
    &command_runs,
    &command_status,
    &command_run,
    &command_follow,
    &command_cancel,
    &command_pause,
    &command_resume,
    &command_block,
    &command_step,
    &command_schema,
    &command_healthcheck,
    &command_version,
    &command_help,
    NULL,
};

static Status unknown_command(const char *name)
{
    const char *names[sizeof commands / sizeof *commands];
    size_t count = 0;
    for (; commands[count]; count++) {
        names[count] = commands[count]->name;
    }
    const char *nearest = text_nearest(name, names, count);
    auto_free char *why = nearest ? text_format("no such command, did you mean '%s'?", nearest)
                                  : text_copy("no such command; 'sendpost help' lists them");
    return complain(STATUS_USAGE, name, why);
}

int main(int argc, char **argv)
{
    const char *name = argc < 2                                                     ? ""
                       : text_equal(argv[1], "--version")                           ? "version"
                       : text_equal(argv[1], "--help") || text_equal(argv[1], "-h") ? "help"
                                                                                    : argv[1];
    const Command *command = command_find(name);
    if (!command) {
        return argc < 2 ? (int)complain(STATUS_USAGE, "no command", "'sendpost help' lists them")
                        : (int)unknown_command(name);
    }
    static CommandLine line;
    Error error = {0};
    if (!command_line_parse(command, argc - 2, argv + 2, &line, &error)) {
        complain(STATUS_USAGE, command->name, error.text);
        fprintf(stderr, "try 'sendpost help %s'\n", command->name);
        return STATUS_USAGE;
    }
    if (option_given(&line, "help")) {
        auto_buffer out;
        buffer_init(&out, 1 << 16);
        command_print_help(command, &out);
        fwrite(out.bytes, 1, out.length, stdout);
        return STATUS_DONE;
    }
    return (int)command->run(&line);
}
