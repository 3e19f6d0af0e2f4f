/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "commands/command.h"
#include <stdio.h>
#include <string.h>

static const Option options[] = {
    {"param", 'p', "KEY=VALUE", true, "a parameter"},
    {"reason", 0, "TEXT", false, "why"},
    {"follow", 'f', NULL, false, "shows it"},
    {"kind", 0, "long|longer|the-longest", false, "how it looks"},
    {0},
};
static const Command command_start = {
    .name = "start", .arguments = "NAME [STAGE]", .least = 1, .most = 2, .summary = "Starts it", .options = options};
static const Command command_look = {.name = "look", .arguments = "", .client = true, .summary = "Looks"};
static const Command command_ask = {.name = "ask", .arguments = "WORD", .least = 1, .most = 2, .hidden = true};
const Command *const commands[] = {&command_start, &command_look, &command_ask, NULL};

static CommandLine line;

/* Words between single spaces; _ is an empty word. */
static bool parse(const Command *command, const char *text, Error *error)
{
    static char copy[256];
    char *words[32], *rest = NULL;
    int count = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        words[count++] = text_equal(word, "_") ? word + 1 : word;
    }
    return command_line_parse(command, count, words, &line, error);
}

static void understood(const char *text, const char *expected)
{
    Error error = {0};
    bool parsed = parse(&command_start, text, &error);
    assert_string_equal(error.text, "");
    assert_true(parsed);
    auto_buffer out;
    buffer_init(&out, 4096);
    for (size_t i = 0; i < line.value_count; i++) {
        buffer_format(&out, "%s=%s ", line.values[i].option->name, line.values[i].value ? line.values[i].value : "");
    }
    for (size_t i = 0; i < line.argument_count; i++) {
        buffer_format(&out, "<%s>", line.arguments[i]);
    }
    assert_string_equal(out.bytes, expected);
}

static void options_and_arguments_mix(void **state)
{
    (void)state;
    understood("daily", "<daily>");
    understood("--follow daily -p a=1 --param b=2 -pc=3 --param=d=4 x",
               "follow= param=a=1 param=b=2 param=c=3 param=d=4 <daily><x>");
    understood("-f --reason= daily", "follow= reason= <daily>");
    understood("--reason _ daily", "reason= <daily>");
    understood("--reason --follow daily", "reason=--follow <daily>");
    understood("daily -- --follow", "<daily><--follow>");
    understood("- --", "<->");
    understood("--help", "help= ");
}

static void programs_pass_on_what_is_there(void **state)
{
    (void)state;
    Error error = {0};
    assert_true(parse(&command_ask, "a _", &error));
    assert_int_equal(line.argument_count, 2);
}

static void the_last_value_counts(void **state)
{
    (void)state;
    Error error = {0};
    assert_true(parse(&command_start, "daily -p a=1 -p b=2", &error));
    assert_string_equal(option_value(&line, "param"), "b=2");
    assert_true(option_given(&line, "param"));
    assert_false(option_given(&line, "follow"));
    assert_null(option_value(&line, "reason"));
}

static void what_is_not_understood(void **state)
{
    (void)state;
    static const struct {
        const Command *command;
        const char *text, *message;
    } cases[] = {
        {&command_start, "", "needs NAME [STAGE]"},
        {&command_start, "a b c", "does not take 'c'"},
        {&command_look, "a", "does not take 'a'"},
        {&command_start, "_", "an argument is empty"},
        {&command_start, "a -- _", "an argument is empty"},
        {&command_start, "a --reson x", "unknown option '--reson', did you mean '--reason'?"},
        {&command_start, "a --reson=x", "unknown option '--reson=x', did you mean '--reason'?"},
        {&command_start, "a --server x", "unknown option '--server'"},
        {&command_look, "--servr=x", "unknown option '--servr=x', did you mean '--server'?"},
        {&command_start, "a -x", "unknown option '-x'"},
        {&command_start, "a --reason", "--reason needs a value: TEXT"},
        {&command_start, "a -p", "--param needs a value: KEY=VALUE"},
        {&command_start, "a --follow=yes", "--follow takes no value"},
        {&command_start, "a -fp", "--follow takes no value"},
        {&command_start, "a --reason x --reason y", "--reason is given twice"},
        {&command_start, "a -f --follow", "--follow is given twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error error = {0};
        assert_false(parse(cases[i].command, cases[i].text, &error));
        assert_string_equal(error.text, cases[i].message);
    }
}

static void there_are_bounds(void **state)
{
    (void)state;
    enum { MANY = ARGUMENTS_MAX + 1 };
    static char word[] = "a", flag[] = "-pa=1";
    auto_free char **words = memory_new(MANY * sizeof *words);
    Error error = {0};
    for (size_t i = 0; i < MANY; i++) {
        words[i] = word;
    }
    assert_false(command_line_parse(&command_start, MANY, words, &line, &error));
    assert_string_equal(error.text, "more than 1024 arguments");
    for (size_t i = 0; i < MANY; i++) {
        words[i] = flag;
    }
    assert_false(command_line_parse(&command_start, MANY, words, &line, &error));
    assert_string_equal(error.text, "more than 256 options");
}

static void help_names_everything(void **state)
{
    (void)state;
    auto_buffer one, all;
    buffer_init(&one, 4096);
    buffer_init(&all, 4096);
    command_print_help(&command_start, &one);
    assert_string_equal(one.bytes, "usage: sendpost start [OPTION]... NAME [STAGE]\n\nStarts it\n\n"
                                   "  -p, --param KEY=VALUE          a parameter (may be repeated)\n"
                                   "      --reason TEXT              why\n"
                                   "  -f, --follow                   shows it\n"
                                   "      --kind long|longer|the-longest\n"
                                   "                                 how it looks\n"
                                   "  -h, --help                     this text\n");
    commands_print_help(&all);
    assert_non_null(strstr(all.bytes, "  start        Starts it\n  look         Looks\n"));
    assert_ptr_equal(command_find("look"), &command_look);
    assert_null(command_find("lok"));
    assert_null(command_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_arguments_mix),
        cmocka_unit_test(the_last_value_counts),
        cmocka_unit_test(programs_pass_on_what_is_there),
        cmocka_unit_test(what_is_not_understood),
        cmocka_unit_test(there_are_bounds),
        cmocka_unit_test(help_names_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
