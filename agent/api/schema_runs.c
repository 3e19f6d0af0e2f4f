/* SPDX-License-Identifier: Apache-2.0 */
#include "api/schema_tables.h"
#include "definitions/definition.h"
#include "engine/records.h"
#include "engine/state.h"

static const char *const log_levels[] = {"INFO", "WARNING", "ERROR", "CRITICAL"};
static const Choices choices_log_levels = {log_levels, sizeof log_levels / sizeof *log_levels, NULL};
static const Choices choices_prefect_types = {prefect_type_names, PREFECT_TYPES, NULL};
const Choices choices_states = {state_names, STATES, NULL};
const Choices choices_reasons = {reason_names, REASONS, NULL};
const Choices choices_triggers = {trigger_names, TRIGGERS, NULL};
const Choices choices_node_kinds = {node_kind_names, NODE_SEQUENCE + 1, NULL};

static const Member log_line[] = {
    MEMBER("timestamp", "When the flow wrote it", TIME, .flags = NULLABLE),
    MEMBER("level", "How serious", CHOICE, ONE_OF(log_levels), .example = "\"ERROR\""),
    MEMBER("message", "The line", TEXT, .example = "\"no route to host smtp.internal\""),
};
const Shape schema_log_line = {"LogLine", "A line of a flow run's log", MEMBERS_OF(log_line)};

static const Member failed_task[] = {
    MEMBER("name", "The task that failed first", TEXT, .example = "\"send-batch\""),
    MEMBER("message", "What Prefect says of it", TEXT, .flags = NULLABLE, .example = "\"SMTPServerDisconnected\""),
};
const Shape schema_failed_task = {"FailedTask", "Where in the flow it failed", MEMBERS_OF(failed_task)};

static const Member failure[] = {
    MEMBER("stage", "Path of the stage that failed first", TEXT, .flags = NULLABLE, .example = "\"deliver/email\""),
    MEMBER("reason", "What kind of failure", CHOICE, .flags = NULLABLE, ONE_OF(reasons), .example = "\"failed\""),
    MEMBER("message", "What happened, in a sentence", TEXT, .flags = NULLABLE,
           .example = "\"Flow run encountered an exception: SMTPServerDisconnected\""),
    MEMBER("task", "The task run that failed, if one is known", SHAPE, .flags = NULLABLE, OF_SHAPE(failed_task)),
    MEMBER("logs", "The lines of the log that tell why, oldest first", SHAPE, .flags = LIST, OF_SHAPE(log_line)),
    MEMBER("flow_run_url", "The flow run's page in Prefect", URL, .flags = NULLABLE,
           .example = "\"http://localhost:4200/runs/flow-run/5d3d8a7e-1111-4222-8333-944455566677\""),
};
const Shape schema_failure = {"Failure", "Why a run did not complete", MEMBERS_OF(failure)};

static const Member run_summary[] = {
    MEMBER("id", "The run", UUID),
    MEMBER("sendpost", "Whose run it is", NAME),
    MEMBER("state", "What it does now, or how it ended", CHOICE, ONE_OF(states), .example = "\"failed\""),
    MEMBER("reason", "Why it ended otherwise than completed", CHOICE, .flags = NULLABLE, ONE_OF(reasons),
           .example = "\"failed\""),
    MEMBER("trigger", "What started it", CHOICE, ONE_OF(triggers), .example = "\"schedule\""),
    MEMBER("for", "The time that it is for: what ${run.date} follows", TIME),
    MEMBER("start_at", "When it is planned to start", TIME, .flags = NULLABLE, .example = "null"),
    MEMBER("created_at", "When it was accepted", TIME),
    MEMBER("started_at", "When it began, by the agent's clock; null: it waits, or never did", TIME, .flags = NULLABLE),
    MEMBER("ended_at", "When its end was known, by the agent's clock", TIME, .flags = NULLABLE,
           .example = "\"2026-11-22T04:25:48.937Z\""),
    MEMBER("duration_seconds", "From the first start to the last end of its flow runs, by Prefect's clock", SECONDS,
           .flags = NULLABLE, .example = "162.5"),
    MEMBER("failure", "Why it did not complete", SHAPE, .flags = NULLABLE, OF_SHAPE(failure)),
};
const Shape schema_run_summary = {"RunSummary", "A run, as lists show it", MEMBERS_OF(run_summary)};

static const Member run_page[] = {
    MEMBER("runs", "Newest first", SHAPE, .flags = LIST, OF_SHAPE(run_summary)),
    MEMBER("next", "Where the list goes on: the next request's cursor", CURSOR, .flags = NULLABLE),
};
const Shape schema_run_page = {"RunPage", "A page of runs", MEMBERS_OF(run_page)};

/* --- stages --- */

static const Member flow_run[] = {
    MEMBER("id", "The flow run in Prefect", UUID, .example = "\"5d3d8a7e-1111-4222-8333-944455566677\""),
    MEMBER("name", "Its name in Prefect", TEXT, .flags = NULLABLE, .example = "\"amber-otter\""),
    MEMBER("url", "Its page in Prefect", URL, .flags = NULLABLE,
           .example = "\"http://localhost:4200/runs/flow-run/5d3d8a7e-1111-4222-8333-944455566677\""),
    MEMBER("adopted", "It was there already when its key was sent again", BOOLEAN),
};
const Shape schema_flow_run = {"FlowRun", "A flow run of Prefect", MEMBERS_OF(flow_run)};

static const Member deployment_reference[] = {
    MEMBER("id", "The deployment in Prefect", TEXT, .flags = NULLABLE,
           .example = "\"0a1b2c3d-4444-4555-8666-977788899900\""),
    MEMBER("name", "flow/deployment", TEXT, .flags = NULLABLE, .example = "\"mailing/production\""),
};
const Shape schema_deployment_reference = {"DeploymentReference", "A deployment of Prefect, as far as it is known",
                                           MEMBERS_OF(deployment_reference)};

static const Member prefect_state[] = {
    MEMBER("type", "Prefect's type of state", CHOICE, ONE_OF(prefect_types), .example = "\"FAILED\""),
    MEMBER("name", "Prefect's name of the state", TEXT, .flags = NULLABLE, .example = "\"Failed\""),
    MEMBER("message", "What Prefect says of it", TEXT, .flags = NULLABLE,
           .example = "\"Flow run encountered an exception: SMTPServerDisconnected\""),
    MEMBER("timestamp", "Since when", TIME, .flags = NULLABLE),
};
const Shape schema_prefect_state = {"PrefectState", "The state of a flow run as Prefect has it",
                                    MEMBERS_OF(prefect_state)};

static const Member attempt[] = {
    MEMBER("number", "1 is the first", INTEGER, .minimum = 1),
    MEMBER("state", "What it does now, or how it ended", CHOICE, ONE_OF(states), .example = "\"failed\""),
    MEMBER("reason", "Why it ended otherwise than completed", CHOICE, .flags = NULLABLE, ONE_OF(reasons),
           .example = "\"failed\""),
    MEMBER("flow_run", "What it started", SHAPE, .flags = NULLABLE, OF_SHAPE(flow_run)),
    MEMBER("started_at", "By Prefect's clock", TIME, .flags = NULLABLE),
    MEMBER("ended_at", "By Prefect's clock", TIME, .flags = NULLABLE, .example = "\"2026-11-22T04:25:48.937Z\""),
};
const Shape schema_attempt = {"Attempt", "One try of a stage", MEMBERS_OF(attempt)};

static const Member stage[] = {
    MEMBER("name", "Of the stage", NAME, .example = "\"email\""),
    MEMBER("path", "The names from the outermost group down to it, with / between", PATH,
           .example = "\"deliver/email\""),
    MEMBER("kind", "run and observe have flow runs, parallel and sequence have stages", CHOICE, ONE_OF(node_kinds),
           .example = "\"run\""),
    MEMBER("state", "What it does now, or how it ended", CHOICE, ONE_OF(states), .example = "\"failed\""),
    MEMBER("reason", "Why it ended otherwise than completed", CHOICE, .flags = NULLABLE, ONE_OF(reasons),
           .example = "\"failed\""),
    MEMBER("message", "What happened, in a sentence", TEXT, .flags = NULLABLE,
           .example = "\"Flow run encountered an exception: SMTPServerDisconnected\""),
    MEMBER("attempt", "The number of the last try", INTEGER, .flags = NULLABLE, .minimum = 1),
    MEMBER("attempts", "All tries, oldest first", SHAPE, .flags = LIST, OF_SHAPE(attempt)),
    MEMBER("started_at", "By Prefect's clock", TIME, .flags = NULLABLE),
    MEMBER("ended_at", "By Prefect's clock", TIME, .flags = NULLABLE, .example = "\"2026-11-22T04:25:48.937Z\""),
    MEMBER("duration_seconds", "First start to last end", SECONDS, .flags = NULLABLE, .example = "162.5"),
    MEMBER("deployment", "What it runs or observes; null of a group", SHAPE, .flags = NULLABLE,
           OF_SHAPE(deployment_reference)),
    MEMBER("flow_run", "That of the last try", SHAPE, .flags = NULLABLE, OF_SHAPE(flow_run)),
    MEMBER("prefect_state", "That of the last try's flow run", SHAPE, .flags = NULLABLE, OF_SHAPE(prefect_state)),
    MEMBER("parameters", "What the flow run was given", FREE_OBJECT, .flags = NULLABLE),
    MEMBER("stages", "The members of a group", SHAPE, .flags = LIST, OF_SHAPE(stage), .example = "[]"),
};
const Shape schema_stage = {"Stage", "A stage of a run", MEMBERS_OF(stage)};

static const Member run[] = {
    MEMBER("parameters", "Those given, with the defaults of the rest", FREE_OBJECT),
    MEMBER("triggered_by", "Who started it", TEXT, .flags = NULLABLE, .example = "\"127.0.0.1\""),
    MEMBER("trigger_reason", "The reason given with the trigger", TEXT, .flags = NULLABLE,
           .example = "\"new addresses\""),
    MEMBER("definition_sha256", "The definition that it follows to its end", DIGEST),
    MEMBER("revision", "The revision of the definitions then", TEXT, .flags = NULLABLE,
           .example = "\"6d91cc0a3b5f47e2918d0c6b7a8f9e1d2c3b4a59\""),
    MEMBER("retry_of", "The run that this one tries again", UUID, .flags = NULLABLE, .example = "null"),
    MEMBER("retried_by", "The run that tries this one again", UUID, .flags = NULLABLE, .example = "null"),
    MEMBER("held", "Paused: no further stage starts", BOOLEAN),
    MEMBER("stages", "In the order of the definition", SHAPE, .flags = LIST, OF_SHAPE(stage)),
};
const Shape schema_run = {"Run", "A run with its stages", &schema_run_summary, MEMBERS_OF(run)};

static const Choices choices_event_types = {event_type_names, EVENT_TYPES, "reset"};

static const Member event[] = {
    MEMBER("id", "Grows, also over restarts", INTEGER, .minimum = 0, .example = "4711"),
    MEMBER("type", "What happened; a stream whose beginning the journal does not have begins with `reset`", CHOICE,
           ONE_OF(event_types), .example = "\"stage.state\""),
    MEMBER("at", "When", TIME),
    MEMBER("sendpost", "Whose event it is", TEXT, .flags = NULLABLE, .example = "\"daily-mailing\""),
    MEMBER("run", "The run", UUID, .flags = NULLABLE),
    MEMBER("stage", "Path of the stage", TEXT, .flags = NULLABLE, .example = "\"deliver/email\""),
    MEMBER("from", "The state before", CHOICE, .flags = NULLABLE, ONE_OF(states), .example = "\"running\""),
    MEMBER("to", "The state since", CHOICE, .flags = NULLABLE, ONE_OF(states), .example = "\"failed\""),
    MEMBER("reason", "Why it ended otherwise than completed", CHOICE, .flags = NULLABLE, ONE_OF(reasons),
           .example = "\"timed_out\""),
};
const Shape schema_event = {"Event", "What happened", MEMBERS_OF(event)};

static const Member message[] = {
    MEMBER("id", "That of the Event", TEXT, .example = "\"4711\""),
    MEMBER("event", "The type of the Event", TEXT, .example = "\"stage.state\""),
    MEMBER("data", "An Event, as JSON", TEXT, .example = "\"{…}\""),
};
const Shape schema_message = {"EventMessage", "An Event as it is sent, one after another", MEMBERS_OF(message)};
