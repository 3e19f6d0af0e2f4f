/* SPDX-License-Identifier: Apache-2.0 */
/* What the shells' completions ask (deploy/completion.*): the words behind `sendpost`, the last of them unfinished. All
 * comes from the table of commands and from a running agent, if it answers at once. A candidate a line, and what it
 * means behind a tab; the line `:files` alone stands for the names of files. */
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "commands/client.h"
#include "commands/table.h"
#include "configuration/settings.h"
#include "engine/state.h"
#include <stdio.h>
#include <string.h>

enum { HURRY_MS = 700, OFFERED_MAX = 1 << 20, WORD_MAX = 64 };

typedef struct Completion {
    const CommandLine *line; /* what stands before the word, as far as it can be read */
    const char *word;
    Client *client; /* NULL: nobody was asked yet */
    Buffer out;
} Completion;

static void offer(Completion *completion, const char *candidate, const char *meaning)
{
    if (candidate && text_starts_with(candidate, completion->word)) {
        buffer_format(&completion->out, "%s\t%s\n", candidate, meaning ? meaning : "");
    }
}

/* --- of a running agent --- */

static bool ask(Completion *completion, const char *path, Answer *answer)
{
    Status status;
    Error error = {0};
    if (!completion->client) {
        completion->client = client_new(completion->line, &status);
        if (!completion->client) {
            return false;
        }
        client_hurry(completion->client, HURRY_MS);
    }
    return client_ask(completion->client, path, NULL, NULL, answer, &error) && answer->status == 200;
}

static void offer_each(Completion *completion, const char *path, const char *list, const char *name,
                       const char *const meanings[2])
{
    Answer answer = {0};
    if (ask(completion, path, &answer)) {
        for (const Json *item = json_first(json_member(answer.json, list)); item; item = json_next(item)) {
            const char *second = meanings[1] ? json_member_text(item, meanings[1]) : NULL;
            auto_free char *meaning =
                text_format("%s%s%s", shown_text(item, meanings[0]), second ? " " : "", second ? second : "");
            offer(completion, json_member_text(item, name), meaning);
        }
    }
    answer_release(&answer);
}

static void offer_sendposts(Completion *completion)
{
    offer_each(completion, "/v1/sendposts?limit=1000", "sendposts", "name",
               (const char *const[]){"state", "description"});
}

static void offer_runs(Completion *completion)
{
    offer_sendposts(completion);
    offer_each(completion, "/v1/runs?limit=50", "runs", "id", (const char *const[]){"sendpost", "state"});
}

static void offer_deployments(Completion *completion)
{
    auto_buffer path;
    buffer_init(&path, URL_MAX);
    buffer_text(&path, "/v1/prefect/deployments?search=");
    url_encode(&path, completion->word);
    offer_each(completion, path.bytes, "deployments", "name", (const char *const[]){"work_pool", NULL});
}

static void offer_stages_in(Completion *completion, const Json *stages)
{
    for (const Json *stage = json_first(stages); stage; stage = json_next(stage)) {
        offer(completion, json_member_text(stage, "path"), json_member_text(stage, "state"));
        offer_stages_in(completion, json_member(stage, "stages"));
    }
}

/* The run or the sendpost that the first argument names. */
static bool ask_first(Completion *completion, Answer *answer)
{
    if (completion->line->argument_count == 0) {
        return false;
    }
    const char *first = completion->line->arguments[0];
    auto_buffer path;
    buffer_init(&path, URL_MAX);
    buffer_text(&path, text_is_uuid(first) ? "/v1/runs/" : "/v1/sendposts/");
    url_encode(&path, first);
    return ask(completion, path.bytes, answer);
}

static void offer_stages(Completion *completion)
{
    Answer answer = {0};
    if (ask_first(completion, &answer)) {
        offer_stages_in(completion, json_member(answer.json, "stages"));
    }
    answer_release(&answer);
}

static void offer_parameters(Completion *completion)
{
    Answer answer = {0};
    if (ask_first(completion, &answer)) {
        for (const Json *item = json_first(json_member(answer.json, "parameters")); item; item = json_next(item)) {
            auto_free char *candidate = text_format("%s=", shown_text(item, "name"));
            offer(completion, candidate, json_member_text(item, "type"));
        }
    }
    answer_release(&answer);
}

/* --- of the binary itself --- */

static void offer_files(Completion *completion)
{
    buffer_text(&completion->out, ":files\n");
}

static void offer_commands(Completion *completion)
{
    for (const Command *const *command = commands; *command; command++) {
        if (!(*command)->hidden) {
            offer(completion, (*command)->name, (*command)->summary);
        }
    }
}

static void offer_states(Completion *completion)
{
    for (int i = 0; i < STATES; i++) {
        offer(completion, state_names[i], NULL);
    }
}

static void offer_settings(Completion *completion)
{
    for (int i = 0; i < SETTINGS; i++) {
        auto_free char *candidate = text_format("%s=", settings[i].path);
        offer(completion, candidate, settings[i].description);
    }
}

static void offer_choices(Completion *completion, const char *choices)
{
    for (size_t length; *choices; choices += length + (choices[length] == '|')) {
        length = strcspn(choices, "|");
        auto_free char *choice = text_copy_length(choices, length);
        offer(completion, choice, NULL);
    }
}

static void offer_options(Completion *completion)
{
    const Option *tables[COMMAND_OPTION_TABLES];
    command_options(completion->line->command, tables);
    for (size_t i = 0; i < COMMAND_OPTION_TABLES; i++) {
        for (const Option *option = tables[i]; option->name; option++) {
            auto_free char *name = text_format("--%s", option->name);
            if (option->repeated || !option_given(completion->line, option->name)) {
                offer(completion, name, option->help);
            }
        }
    }
}

/* --- what is wanted --- */

typedef struct Source {
    const char *token; /* of an argument, or the name of an option */
    void (*offer)(Completion *completion);
} Source;

static void offer_value(Completion *completion, const Source *sources, size_t count, const char *token)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal(sources[i].token, token)) {
            sources[i].offer(completion);
        }
    }
    if (strchr(token, '|')) {
        offer_choices(completion, token);
    }
}

static void offer_option_value(Completion *completion, const Option *option)
{
    static const Source by_name[] = {
        {"param", offer_parameters}, {"set", offer_settings}, {"from", offer_stages}, {"state", offer_states}};
    offer_value(completion, by_name, sizeof by_name / sizeof *by_name, option->name);
    offer_value(completion, &(const Source){"FILE", offer_files}, 1, option->argument);
}

/* The word of the usage that stands for the argument of that number; the last one if it may be repeated. False: there
 * is no such argument. */
static bool argument_token(const Command *command, size_t number, char token[WORD_MAX])
{
    const char *at = command->arguments;
    for (size_t i = 0; *at; i++) {
        size_t length = strcspn(at, " ");
        bool repeated = strstr(at, "...") != NULL;
        if (i == number || (repeated && !at[length])) {
            size_t begin = strspn(at, "["), end = strcspn(at + begin, "]. ");
            snprintf(token, WORD_MAX, "%.*s", (int)end, at + begin);
            return true;
        }
        at += length + (at[length] == ' ');
    }
    return false;
}

static void offer_argument(Completion *completion)
{
    static const Source sources[] = {
        {"NAME", offer_sendposts}, {"RUN", offer_runs},         {"STAGE", offer_stages},          {"FILE", offer_files},
        {"PATH", offer_files},     {"COMMAND", offer_commands}, {"DEPLOYMENT", offer_deployments}};
    char token[WORD_MAX];
    if (argument_token(completion->line->command, completion->line->argument_count, token)) {
        offer_value(completion, sources, sizeof sources / sizeof *sources, token);
    }
}

/* words: from the command's name on. */
static void complete_command(Completion *completion, const Command *command, char *const *words, int count)
{
    static CommandLine line;
    const Option *awaiting = command_line_begin(command, count - 2, words + 1, &line);
    completion->line = &line;
    if (awaiting) {
        offer_option_value(completion, awaiting);
    } else if (completion->word[0] == '-') {
        offer_options(completion);
    } else {
        offer_argument(completion);
    }
}

static Status complete(const CommandLine *given)
{
    int count = (int)given->argument_count;
    char *words[ARGUMENTS_MAX];
    for (int i = 0; i < count; i++) {
        words[i] = (char *)(uintptr_t)given->arguments[i];
    }
    Completion completion = {.line = given, .word = words[count - 1]};
    buffer_init(&completion.out, OFFERED_MAX);
    const Command *command = count > 1 ? command_find(words[0]) : NULL;
    if (count == 1) {
        offer_commands(&completion);
        offer(&completion, "--help", "says what the commands do");
        offer(&completion, "--version", "prints version and commit");
    } else if (command) {
        complete_command(&completion, command, words, count);
    }
    print(&completion.out);
    buffer_release(&completion.out);
    client_free(completion.client);
    return STATUS_DONE;
}

const Command command_complete = {.name = "__complete",
                                  .arguments = "WORD...",
                                  .least = 1,
                                  .most = ARGUMENTS_MAX,
                                  .hidden = true,
                                  .summary = "Says how a command line may go on, for the completions of shells",
                                  .run = complete};
