/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "base/text.h"
#include "commands/command.h"
#include <stdio.h>
#include <string.h>

static const Option client_options[] = {
    {"server", 0, "URL", false, "address of the agent (SENDPOST_SERVER; default http://127.0.0.1:9847)"},
    {"ca-file", 0, "FILE", false, "certificates to trust instead of the system's, for https (or SENDPOST_CA_FILE)"},
    {"token-file", 0, "FILE", false, "file with a token (or SENDPOST_TOKEN)"},
    {"json", 0, NULL, false, "print the API's answer"},
    {0},
};
static const Option help_option[] = {{"help", 'h', NULL, false, "this text"}, {0}};
static const Option no_options[] = {{0}};

void command_options(const Command *command, const Option *tables[COMMAND_OPTION_TABLES])
{
    tables[0] = command->options ? command->options : no_options;
    tables[1] = command->client ? client_options : no_options;
    tables[2] = help_option;
}

static const Option *option_find(const Command *command, const char *name, size_t length, char letter)
{
    const Option *tables[COMMAND_OPTION_TABLES];
    command_options(command, tables);
    for (size_t i = 0; i < COMMAND_OPTION_TABLES; i++) {
        for (const Option *option = tables[i]; option->name; option++) {
            bool named = name && strlen(option->name) == length && memcmp(option->name, name, length) == 0;
            if (named || (letter && option->letter == letter)) {
                return option;
            }
        }
    }
    return NULL;
}

static bool unknown_option(const Command *command, const char *word, Error *error)
{
    const Option *tables[COMMAND_OPTION_TABLES];
    const char *names[OPTIONS_MAX * COMMAND_OPTION_TABLES];
    size_t count = 0;
    command_options(command, tables);
    for (size_t i = 0; i < COMMAND_OPTION_TABLES; i++) {
        for (const Option *option = tables[i]; option->name; option++) {
            names[count++] = option->name;
        }
    }
    const char *bare = word + strspn(word, "-");
    auto_free char *name = text_copy_length(bare, strcspn(bare, "="));
    const char *nearest = text_nearest(name, names, count);
    return error_set(error, ERROR_INVALID, "unknown option '%.60s'%s%s%s", word, nearest ? ", did you mean '--" : "",
                     nearest ? nearest : "", nearest ? "'?" : "");
}

/* An empty one is none, a shell's variable that is not set; programs pass on what is there. */
static bool add_argument(CommandLine *line, const char *word, Error *error)
{
    if (line->argument_count == ARGUMENTS_MAX) {
        return error_set(error, ERROR_LIMIT, "more than %d arguments", ARGUMENTS_MAX);
    }
    line->arguments[line->argument_count++] = word;
    return *word || line->command->hidden || error_set(error, ERROR_INVALID, "an argument is empty");
}

static bool add_value(CommandLine *line, const Option *option, const char *value, Error *error)
{
    if (!option->repeated && option_given(line, option->name)) {
        return error_set(error, ERROR_INVALID, "--%s is given twice", option->name);
    }
    if (line->value_count == OPTION_VALUES_MAX) {
        return error_set(error, ERROR_LIMIT, "more than %d options", OPTION_VALUES_MAX);
    }
    line->values[line->value_count++] = (OptionValue){option, value};
    return true;
}

/* --name, --name=value, -n, -nvalue; *attached is the value, or NULL. */
static const Option *option_named(const Command *command, const char *word, const char **attached)
{
    bool is_long = word[1] == '-';
    const char *equals = is_long ? strchr(word, '=') : NULL;
    size_t length = is_long ? (equals ? (size_t)(equals - word - 2) : strlen(word + 2)) : 0;
    *attached = is_long ? (equals ? equals + 1 : NULL) : (word[2] ? word + 2 : NULL);
    return option_find(command, is_long ? word + 2 : NULL, length, is_long ? '\0' : word[1]);
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1];
}

/* The value may be the next word. */
static bool parse_option(CommandLine *line, char *const *words, int count, int *at, Error *error)
{
    const char *attached;
    const Option *option = option_named(line->command, words[*at], &attached);
    if (!option) {
        return unknown_option(line->command, words[*at], error);
    }
    if (!option->argument) {
        return attached ? error_set(error, ERROR_INVALID, "--%s takes no value", option->name)
                        : add_value(line, option, NULL, error);
    }
    if (!attached && *at + 1 == count) {
        return error_set(error, ERROR_INVALID, "--%s needs a value: %s", option->name, option->argument);
    }
    return add_value(line, option, attached ? attached : words[++*at], error);
}

const Option *command_line_begin(const Command *command, int count, char *const *words, CommandLine *line)
{
    *line = (CommandLine){.command = command};
    for (int i = 0; i < count; i++) {
        const char *attached;
        const Option *option = is_option(words[i]) ? option_named(command, words[i], &attached) : NULL;
        bool awaits = option && option->argument && !attached;
        if (awaits && i + 1 == count) {
            return option;
        }
        if (option) {
            (void)add_value(line, option, awaits ? words[++i] : attached, NULL);
        } else if (!is_option(words[i]) && line->argument_count < ARGUMENTS_MAX) {
            line->arguments[line->argument_count++] = words[i];
        }
    }
    return NULL;
}

bool command_line_parse(const Command *command, int count, char *const *words, CommandLine *line, Error *error)
{
    *line = (CommandLine){.command = command};
    bool options = true;
    for (int i = 0; i < count; i++) {
        const char *word = words[i];
        if (options && text_equal(word, "--")) {
            options = false;
        } else if (options && is_option(word)) {
            if (!parse_option(line, words, count, &i, error)) {
                return false;
            }
        } else if (!add_argument(line, word, error)) {
            return false;
        }
    }
    if (option_given(line, "help")) {
        return true;
    }
    if ((int)line->argument_count < command->least) {
        return error_set(error, ERROR_INVALID, "needs %s", command->arguments);
    }
    if ((int)line->argument_count > command->most) {
        return error_set(error, ERROR_INVALID, "does not take '%.100s'", line->arguments[command->most]);
    }
    return true;
}

bool option_given(const CommandLine *line, const char *name)
{
    for (size_t i = 0; i < line->value_count; i++) {
        if (text_equal(line->values[i].option->name, name)) {
            return true;
        }
    }
    return false;
}

const char *option_value(const CommandLine *line, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < line->value_count; i++) {
        value = text_equal(line->values[i].option->name, name) ? line->values[i].value : value;
    }
    return value;
}

static void print_option(const Option *option, Buffer *out)
{
    enum { LEFT_WIDTH = 30 };
    char left[64];
    snprintf(left, sizeof left, "%s%c%s--%s%s%s", option->letter ? "-" : "", option->letter ? option->letter : ' ',
             option->letter ? ", " : "   ", option->name, option->argument ? " " : "",
             option->argument ? option->argument : "");
    buffer_format(out, "  %-*s", LEFT_WIDTH, left);
    if (strlen(left) > LEFT_WIDTH) { /* the text begins below it */
        buffer_format(out, "\n  %*s", LEFT_WIDTH, "");
    }
    buffer_format(out, " %s%s\n", option->help, option->repeated ? " (may be repeated)" : "");
}

void command_print_help(const Command *command, Buffer *out)
{
    buffer_format(out, "usage: sendpost %s [OPTION]...%s%s\n\n%s\n\n", command->name, command->arguments[0] ? " " : "",
                  command->arguments, command->summary);
    const Option *tables[COMMAND_OPTION_TABLES];
    command_options(command, tables);
    for (size_t i = 0; i < COMMAND_OPTION_TABLES; i++) {
        for (const Option *option = tables[i]; option->name; option++) {
            print_option(option, out);
        }
    }
}

void commands_print_help(Buffer *out)
{
    buffer_text(out, "sendpost runs and watches chains of Prefect deployments.\n\nusage: sendpost COMMAND [OPTION]... "
                     "[ARGUMENT]...\n\n");
    for (const Command *const *command = commands; *command; command++) {
        if (!(*command)->hidden) {
            buffer_format(out, "  %-12s %s\n", (*command)->name, (*command)->summary);
        }
    }
    buffer_text(out, "\n'sendpost help COMMAND' says more.\n");
}

const Command *command_find(const char *name)
{
    for (const Command *const *command = commands; *command; command++) {
        if (text_equal((*command)->name, name)) {
            return *command;
        }
    }
    return NULL;
}

Status command_unknown(const char *name)
{
    enum { COMMANDS_MAX = 64 };
    const char *names[COMMANDS_MAX];
    size_t count = 0;
    for (size_t i = 0; commands[i] && count < COMMANDS_MAX; i++) {
        if (!commands[i]->hidden) {
            names[count++] = commands[i]->name;
        }
    }
    const char *nearest = text_nearest(name, names, count);
    auto_free char *why = nearest ? text_format("no such command, did you mean '%s'?", nearest)
                                  : text_copy("no such command; 'sendpost help' lists them");
    return complain(STATUS_USAGE, name, why);
}

void print(const Buffer *text)
{
    (void)fwrite(text->bytes ? text->bytes : "", 1, text->length, stdout);
}

Status complain(Status status, const char *what, const char *why)
{
    auto_free char *line = text_format("sendpost: %s: %s", what, why); /* parts of it may be somebody else's text */
    text_make_printable(line);
    fprintf(stderr, "%s\n", line);
    return status;
}
