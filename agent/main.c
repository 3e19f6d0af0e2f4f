/* SPDX-License-Identifier: Apache-2.0 */
/* The commands, and nothing else. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/command.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

const Command *const commands[] = {
    &command_agent,       &command_check,   &command_next,     &command_graph,  &command_init,
    &command_list,        &command_show,    &command_runs,     &command_status, &command_run,
    &command_follow,      &command_cancel,  &command_pause,    &command_resume, &command_block,
    &command_step,        &command_retry,   &command_schema,   &command_token,  &command_backup,
    &command_healthcheck, &command_version, &command_complete, &command_help,   NULL,
};

/* What could not be written was not done: a full disk, a closed descriptor. */
static Status flushed(Status status)
{
    if ((fflush(stdout) == 0 && !ferror(stdout)) || status != STATUS_DONE) {
        return status;
    }
    return complain(STATUS_FAILED, "standard output", strerror(errno));
}

int main(int argc, char **argv)
{
    file_hold_standard();
    memory_set_up();
    const char *name = argc < 2                                                     ? ""
                       : text_equal(argv[1], "--version")                           ? "version"
                       : text_equal(argv[1], "--help") || text_equal(argv[1], "-h") ? "help"
                                                                                    : argv[1];
    const Command *command = command_find(name);
    if (!command) {
        return argc < 2 ? (int)complain(STATUS_USAGE, "no command", "'sendpost help' lists them")
                        : (int)command_unknown(name);
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* who reads a pipe sees each line as it is printed */
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
        print(&out);
        return (int)flushed(STATUS_DONE);
    }
    return (int)flushed(command->run(&line));
}
