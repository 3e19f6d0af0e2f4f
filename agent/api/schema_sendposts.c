/* SPDX-License-Identifier: Apache-2.0 */
#include "api/schema_tables.h"
#include "definitions/definition.h"
#include "engine/state.h"

static const Choices choices_parameter_types = {parameter_type_names, PARAMETER_OBJECT + 1, NULL};
static const Choices choices_catch_up = {catch_up_names, CATCH_UP_ALL + 1, NULL};
static const Choices choices_concurrency = {concurrency_names, CONCURRENCY_REPLACE + 1, NULL};
static const Choices choices_verdicts = {verdict_names, VERDICTS, NULL};

static const Member file_error[] = {
    MEMBER("message", "What is wrong", TEXT, .example = "\"unknown key 'stags', did you mean 'stages'?\""),
    MEMBER("file", "Below the directory of definitions", TEXT, .flags = NULLABLE, .example = "\"daily-mailing.yaml\""),
    MEMBER("line", "1 is the first; 0: the whole file", INTEGER, .minimum = 0, .example = "3"),
    MEMBER("column", "1 is the first; 0: the whole file", INTEGER, .minimum = 0, .example = "1"),
};
const Shape schema_file_error = {"FileError", "What is wrong with a file; what was last good is in force",
                                 MEMBERS_OF(file_error)};

static const Member links[] = {
    MEMBER("self", "This sendpost here", URL, .example = "\"http://localhost:9847/v1/sendposts/daily-mailing\""),
    MEMBER("prefect", "Page of the first deployment that is known", URL, .flags = NULLABLE,
           .example = "\"http://localhost:4200/deployments/deployment/0a1b2c3d-4444-4555-8666-977788899900\""),
};
const Shape schema_links = {"Links", "Where else to look", MEMBERS_OF(links)};

static const Member sendpost_head[] = {
    MEMBER("name", "Of the sendpost", NAME),
    MEMBER("description", "As its file says", TEXT, .flags = NULLABLE, .example = "\"The mailing of the day\""),
    MEMBER("owner", "Whom to ask", TEXT, .flags = NULLABLE, .example = "\"growth\""),
    MEMBER("labels", "As its file says", TEXTS, .example = "{\"team\":\"growth\"}"),
    MEMBER("enabled", "Whether it may be started", BOOLEAN, .example = "true"),
    MEMBER("state", "That of the run that is active, else of the last one", CHOICE, ONE_OF(states),
           .example = "\"failed\""),
};
static const Shape schema_head = {.name = "", MEMBERS_OF(sendpost_head)};

static const Member sendpost_summary[] = {
    MEMBER("active_runs", "Started and not ended, oldest first", UUID, .flags = LIST, .example = "[]"),
    MEMBER("last_run", "The run that ended last", SHAPE, .flags = NULLABLE, OF_SHAPE(run_summary)),
    MEMBER("next_run_at", "The earliest planned start", TIME, .flags = NULLABLE),
    MEMBER("error", "What is wrong with its file", SHAPE, .flags = NULLABLE, OF_SHAPE(file_error), .example = "null"),
    MEMBER("links", "Where else to look", SHAPE, OF_SHAPE(links)),
};
const Shape schema_sendpost_summary = {"SendpostSummary", "A sendpost, as lists show it", &schema_head,
                                       MEMBERS_OF(sendpost_summary)};

static const Member sendpost_page[] = {
    MEMBER("sendposts", "By name", SHAPE, .flags = LIST, OF_SHAPE(sendpost_summary)),
    MEMBER("next", "Where the list goes on: the next request's cursor", CURSOR, .flags = NULLABLE),
};
const Shape schema_sendpost_page = {"SendpostPage", "A page of sendposts", MEMBERS_OF(sendpost_page)};

static const Member parameter[] = {
    MEMBER("name", "Its name", TEXT, .example = "\"limit\""),
    MEMBER("type", "null: any", CHOICE, .flags = NULLABLE, ONE_OF(parameter_types), .example = "\"integer\""),
    MEMBER("default", "What it is when it is not given; null: nothing", ANY, .example = "100"),
    MEMBER("enum", "The values that it may have; null: any", ANY, .flags = LIST | NULLABLE, .example = "null"),
    MEMBER("required", "A trigger must give it", BOOLEAN),
    MEMBER("description", "As its file says", TEXT, .flags = NULLABLE, .example = "\"How many to send\""),
};
const Shape schema_parameter = {"Parameter", "A parameter that a trigger may give", MEMBERS_OF(parameter)};

static const Member schedule[] = {
    MEMBER("cron", "As its file says", TEXT, .example = "\"0 7 * * mon-fri\""),
    MEMBER("timezone", "Of the expression", TEXT, .example = "\"Europe/Berlin\""),
    MEMBER("catch_up", "Which missed ticks are run late", CHOICE, ONE_OF(catch_up), .example = "\"latest\""),
    MEMBER("next_run_at", "Its next tick", TIME, .flags = NULLABLE),
};
const Shape schema_schedule = {"Schedule", "When it starts by itself", MEMBERS_OF(schedule)};

static const Member tick[] = {
    MEMBER("at", "The time that was planned", TIME),
    MEMBER("verdict", "What became of it", CHOICE, ONE_OF(verdicts), .example = "\"started\""),
    MEMBER("run", "The run that it started", UUID, .flags = NULLABLE),
};
const Shape schema_tick = {"Tick", "A planned start", MEMBERS_OF(tick)};

static const Member definition_source[] = {
    MEMBER("file", "Below the directory of definitions", TEXT, .flags = NULLABLE, .example = "\"daily-mailing.yaml\""),
    MEMBER("sha256", "Of the text that is in force", DIGEST),
    MEMBER("loaded_at", "Since when it is in force", TIME, .flags = NULLABLE),
    MEMBER("revision", "Of the definitions, then", TEXT, .flags = NULLABLE,
           .example = "\"6d91cc0a3b5f47e2918d0c6b7a8f9e1d2c3b4a59\""),
    MEMBER("error", "What is wrong with the file as it is now", SHAPE, .flags = NULLABLE, OF_SHAPE(file_error),
           .example = "null"),
};
const Shape schema_definition_source = {"DefinitionSource", "Where the definition comes from",
                                        MEMBERS_OF(definition_source)};

static const Member stage_definition[] = {
    MEMBER("name", "Of the stage", NAME, .example = "\"email\""),
    MEMBER("path", "The names from the outermost group down to it, with / between", PATH,
           .example = "\"deliver/email\""),
    MEMBER("kind", "run and observe have flow runs, parallel and sequence have stages", CHOICE, ONE_OF(node_kinds),
           .example = "\"run\""),
    MEMBER("deployment", "flow/deployment or an id, as the file says; null of a group", TEXT, .flags = NULLABLE,
           .example = "\"mailing/production\""),
    MEMBER("needs", "Paths of the stages that come before", PATH, .flags = LIST, .example = "[\"extract\"]"),
    MEMBER("state", "That of the last run that reached it", CHOICE, ONE_OF(states), .example = "\"failed\""),
    MEMBER("last_duration_seconds", "Of the last one that ended", SECONDS, .flags = NULLABLE, .example = "162.5"),
    MEMBER("stages", "The members of a group", SHAPE, .flags = LIST, OF_SHAPE(stage_definition), .example = "[]"),
};
const Shape schema_stage_definition = {"StageDefinition", "A stage of a definition", MEMBERS_OF(stage_definition)};

static const Member sendpost[] = {
    MEMBER("parameters", "What a trigger may give", SHAPE, .flags = LIST, OF_SHAPE(parameter)),
    MEMBER("timezone", "Of its days: what ${run.date} and `today` follow", TEXT, .example = "\"Europe/Berlin\""),
    MEMBER("schedule", "When it starts by itself", SHAPE, .flags = LIST, OF_SHAPE(schedule)),
    MEMBER("ticks", "The newest planned starts", SHAPE, .flags = LIST, OF_SHAPE(tick)),
    MEMBER("concurrency", "What a trigger does while a run is active", CHOICE, ONE_OF(concurrency),
           .example = "\"forbid\""),
    MEMBER("timeout_seconds", "After which a run is stopped", SECONDS, .flags = NULLABLE, .example = "7200"),
    MEMBER("deadline_seconds", "Within which a run is to succeed", SECONDS, .flags = NULLABLE, .example = "3600"),
    MEMBER("freshness_seconds", "How old the last success may be", SECONDS, .flags = NULLABLE, .example = "null"),
    MEMBER("definition", "Where it comes from", SHAPE, OF_SHAPE(definition_source)),
    MEMBER("stages", "In the order of the file", SHAPE, .flags = LIST, OF_SHAPE(stage_definition)),
    MEMBER("active_runs", "Started and not ended, oldest first", UUID, .flags = LIST, .example = "[]"),
    MEMBER("last_run", "The run that ended last", SHAPE, .flags = NULLABLE, OF_SHAPE(run_summary)),
    MEMBER("last_success_at", "When a run last completed", TIME, .flags = NULLABLE),
    MEMBER("last_failure_at", "When a run last ended otherwise", TIME, .flags = NULLABLE),
    MEMBER("links", "Where else to look", SHAPE, OF_SHAPE(links)),
};
const Shape schema_sendpost = {"Sendpost", "A sendpost with all that is declared in it", &schema_head,
                               MEMBERS_OF(sendpost)};
