/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the binary: each declared once, with its options and arguments; parsing, help, completion and errors
 * follow. */
#ifndef SENDPOST_COMMANDS_COMMAND_H
#define SENDPOST_COMMANDS_COMMAND_H

#include "base/buffer.h"
#include "base/error.h"

/* Exit statuses. */
typedef enum Status { STATUS_DONE, STATUS_FAILED, STATUS_USAGE, STATUS_UNREACHABLE, STATUS_REFUSED } Status;

typedef struct Option {
    const char *name;     /* "format": --format */
    char letter;          /* 0: none */
    const char *argument; /* "FILE"; NULL: a flag */
    bool repeated;
    const char *help;
} Option;

enum { OPTIONS_MAX = 20, OPTION_VALUES_MAX = 256, ARGUMENTS_MAX = 1024 };

struct CommandLine;

typedef struct Command {
    const char *name;
    const char *arguments; /* "NAME", "[PATH...]" */
    int least, most;       /* of arguments */
    const char *summary;
    const Option *options; /* ended by an empty name */
    bool hidden;           /* for programs: no help names it */
    bool client;           /* speaks to a running agent: --server, --token-file, --json are understood too */
    Status (*run)(const struct CommandLine *line);
} Command;

typedef struct OptionValue {
    const Option *option;
    const char *value; /* NULL for a flag */
} OptionValue;

typedef struct CommandLine {
    const Command *command;
    OptionValue values[OPTION_VALUES_MAX];
    size_t value_count;
    const char *arguments[ARGUMENTS_MAX];
    size_t argument_count;
} CommandLine;

extern const Command *const commands[]; /* ended by NULL; main.c */

/* Parses what stands behind the command's name. False: what is wrong with it. */
bool command_line_parse(const Command *command, int count, char *const *words, CommandLine *line, Error *error);
/* The same of an unfinished line: what can be read of it. Returns the option whose value comes next, or NULL. */
const Option *command_line_begin(const Command *command, int count, char *const *words, CommandLine *line);
bool option_given(const CommandLine *line, const char *name);
const char *option_value(const CommandLine *line, const char *name); /* the last one; NULL when not given */

/* The tables in which a command's options stand, each ended by an empty name. */
enum { COMMAND_OPTION_TABLES = 3 };
void command_options(const Command *command, const Option *tables[COMMAND_OPTION_TABLES]);

const Command *command_find(const char *name);
Status command_unknown(const char *name); /* complains, with the nearest one that there is */
void command_print_help(const Command *command, Buffer *out);
void commands_print_help(Buffer *out);

/* To standard output. Whether that took everything is asked once, at the end, by main. */
void print(const Buffer *text);

/* "sendpost: what: why" on standard error; returns the status. */
Status complain(Status status, const char *what, const char *why);

extern const Command command_agent, command_backup, command_cancel, command_block, command_check, command_complete,
    command_follow, command_graph, command_healthcheck, command_help, command_init, command_list, command_next,
    command_pause, command_resume, command_retry, command_run, command_runs, command_schema, command_show,
    command_status, command_step, command_token, command_version;

#endif
