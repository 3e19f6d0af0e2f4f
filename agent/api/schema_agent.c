/* SPDX-License-Identifier: Apache-2.0 */
#include "access/tokens.h"
#include "api/diagnosis.h"
#include "api/schema_tables.h"

/* --- the agent itself --- */

static const Member prefect_status[] = {
    MEMBER("url", "Of the API, without credentials", TEXT, .example = "\"http://localhost:4200/api\""),
    MEMBER("version", "Of the server; null: not known yet", TEXT, .flags = NULLABLE, .example = "\"3.8.8\""),
    MEMBER("reachable", "Whether it answers", BOOLEAN, .example = "true"),
    MEMBER("last_success_at", "When it last answered", TIME, .flags = NULLABLE),
    MEMBER("error", "What the last request came to, if it failed", TEXT, .flags = NULLABLE, .example = "null"),
};
const Shape schema_prefect_status = {"PrefectStatus", "How Prefect is seen from here", MEMBERS_OF(prefect_status)};

static const Member counts[] = {
    MEMBER("sendposts", "That can be started", INTEGER, .example = "12"),
    MEMBER("active_runs", "Started and not ended", INTEGER, .example = "3"),
    MEMBER("queued_runs", "Waiting for an active one to end", INTEGER, .example = "0"),
    MEMBER("flow_runs_watched", "Flow runs that Prefect is asked for", INTEGER, .example = "5"),
    MEMBER("files_loaded", "Definitions in force", INTEGER, .example = "12"),
    MEMBER("files_broken", "Files with an error", INTEGER, .example = "0"),
};
const Shape schema_counts = {"Counts", "How much there is", MEMBERS_OF(counts)};

static const Member journal_status[] = {
    MEMBER("writable", "Whether commands are accepted", BOOLEAN, .example = "true"),
    MEMBER("size_bytes", "Of the file", INTEGER, .example = "1048576"),
    MEMBER("quarantined_at", "When a damaged journal was moved aside", TIME, .flags = NULLABLE, .example = "null"),
    MEMBER("last_backup_at", "When the newest backup that was taken was made", TIME, .flags = NULLABLE),
};
const Shape schema_journal_status = {"JournalStatus", "The durable record", MEMBERS_OF(journal_status)};

static const Choices choices_gravity = {gravity_names, GRAVITIES, NULL};
static const Member found_problem[] = {
    MEMBER("code", "What it is called", TEXT, .example = "\"prefect_unreachable\""),
    MEMBER("severity", "How grave it is", CHOICE, ONE_OF(gravity), .example = "\"error\""),
    MEMBER("subject", "What it is about", TEXT, .example = "\"http://localhost:4200/api\""),
    MEMBER("message", "What is wrong", TEXT, .example = "\"Connection refused\""),
    MEMBER("remedy", "What mends it", TEXT, .example = "\"see that Prefect runs\""),
};
const Shape schema_found_problem = {"FoundProblem", "Something that is wrong with the agent or around it",
                                    MEMBERS_OF(found_problem)};

static const Member certificate_status[] = {
    MEMBER("expires_at", "Until when the one that is shown is valid", TIME),
    MEMBER("error", "Why what the files hold is not in use; null: it is", TEXT, .flags = NULLABLE, .example = "null"),
};
const Shape schema_certificate_status = {"CertificateStatus", "What TLS listeners show",
                                         MEMBERS_OF(certificate_status)};

static const Choices choices_roles = {role_names, ROLES, NULL};
static const Member caller[] = {
    MEMBER("name", "That of the token; null: there is none", TEXT, .flags = NULLABLE, .example = "\"alice\""),
    MEMBER("role", "What it may do", CHOICE, ONE_OF(roles), .example = "\"operator\""),
};
const Shape schema_caller = {"Caller", "Who asks", MEMBERS_OF(caller)};

static const Member status[] = {
    MEMBER("version", "Of the agent", TEXT, .example = "\"0.1.0\""),
    MEMBER("commit", "It was built of", TEXT, .example = "\"6d91cc0a3b5f\""),
    MEMBER("namespace", "Of the keys that Prefect knows its flow runs by", TEXT, .example = "\"default\""),
    MEMBER("started_at", "When it started", TIME),
    MEMBER("uptime_seconds", "Since then", SECONDS, .example = "86400.5"),
    MEMBER("revision", "Of the definitions in force", TEXT, .flags = NULLABLE,
           .example = "\"6d91cc0a3b5f47e2918d0c6b7a8f9e1d2c3b4a59\""),
    MEMBER("revision_attempted", "Of the definitions that were last looked at", TEXT, .flags = NULLABLE,
           .example = "\"6d91cc0a3b5f47e2918d0c6b7a8f9e1d2c3b4a59\""),
    MEMBER("prefect", "How Prefect is seen from here", SHAPE, OF_SHAPE(prefect_status)),
    MEMBER("counts", "How much there is", SHAPE, OF_SHAPE(counts)),
    MEMBER("directory_error", "Why the directory of definitions cannot be read", TEXT, .flags = NULLABLE,
           .example = "null"),
    MEMBER("file_errors", "What is wrong with files", SHAPE, .flags = LIST, OF_SHAPE(file_error), .example = "[]"),
    MEMBER("tokens_error", "What is wrong with the file of tokens; the last good ones are in force", TEXT,
           .flags = NULLABLE, .example = "null"),
    MEMBER("journal", "The durable record", SHAPE, OF_SHAPE(journal_status)),
    MEMBER("certificate", "What TLS listeners show; null: there are none", SHAPE, .flags = NULLABLE,
           OF_SHAPE(certificate_status)),
    MEMBER("caller", "Who asks", SHAPE, OF_SHAPE(caller)),
    MEMBER("problems", "What is wrong, the gravest first", SHAPE, .flags = LIST, OF_SHAPE(found_problem)),
};
const Shape schema_status = {"Status", "The agent itself", MEMBERS_OF(status)};

static const Member reload[] = {
    MEMBER("revision", "Of the definitions in force", TEXT, .flags = NULLABLE,
           .example = "\"6d91cc0a3b5f47e2918d0c6b7a8f9e1d2c3b4a59\""),
    MEMBER("revision_attempted", "Of the definitions that were looked at", TEXT, .flags = NULLABLE,
           .example = "\"6d91cc0a3b5f47e2918d0c6b7a8f9e1d2c3b4a59\""),
    MEMBER("files_loaded", "Definitions in force", INTEGER, .example = "12"),
    MEMBER("files_broken", "Files with an error", INTEGER, .example = "0"),
    MEMBER("directory_error", "Why the directory of definitions cannot be read", TEXT, .flags = NULLABLE,
           .example = "null"),
    MEMBER("file_errors", "What is wrong with files", SHAPE, .flags = LIST, OF_SHAPE(file_error), .example = "[]"),
    MEMBER("tokens_error", "What is wrong with the file of tokens; the last good ones are in force", TEXT,
           .flags = NULLABLE, .example = "null"),
};
const Shape schema_reload = {"Reload", "What a reload came to", MEMBERS_OF(reload)};

/* --- what Prefect has --- */

static const Member found_deployment[] = {
    MEMBER("id", "The deployment in Prefect", TEXT, .example = "\"0a1b2c3d-4444-4555-8666-977788899900\""),
    MEMBER("name", "flow/deployment", TEXT, .example = "\"mailing/production\""),
    MEMBER("paused", "Its own schedule stands still", BOOLEAN),
    MEMBER("tags", "In Prefect", TEXT, .flags = LIST, .example = "[\"growth\"]"),
    MEMBER("work_pool", "Where its flow runs go", TEXT, .flags = NULLABLE, .example = "\"kubernetes\""),
};
const Shape schema_found_deployment = {"DeploymentSummary", "A deployment, as lists show it",
                                       MEMBERS_OF(found_deployment)};

static const Member deployment_page[] = {
    MEMBER("deployments", "By name", SHAPE, .flags = LIST, OF_SHAPE(found_deployment)),
    MEMBER("complete", "false: Prefect has more than were looked at", BOOLEAN, .example = "true"),
};
const Shape schema_deployment_page = {"DeploymentPage", "Deployments that were found", MEMBERS_OF(deployment_page)};

static const Member deployment[] = {
    MEMBER("parameters", "Their defaults", FREE_OBJECT, .example = "{\"limit\":100}"),
    MEMBER("parameter_schema", "JSON Schema of the parameters, as Prefect has it", FREE_OBJECT, .flags = NULLABLE),
    MEMBER("sendposts", "Names of those that use it", NAME, .flags = LIST),
};
const Shape schema_deployment = {"Deployment", "A deployment, and who uses it", &schema_found_deployment,
                                 MEMBERS_OF(deployment)};

/* --- problems --- */

static const Member problem[] = {
    MEMBER("type", "Always about:blank: the status says what kind", TEXT, .example = "\"about:blank\""),
    MEMBER("title", "Of the status", TEXT, .example = "\"Not Found\""),
    MEMBER("status", "The same as the answer's", INTEGER, .minimum = 400, .maximum = 599, .example = "404"),
    MEMBER("detail", "What is wrong, in a sentence", TEXT, .example = "\"there is no sendpost 'dayly-mailing'\""),
};
const Shape schema_problem = {"Problem", "What is wrong (RFC 9457)", MEMBERS_OF(problem)};

static const Member conflict[] = {
    MEMBER("active_run", "The run that is active, where concurrency is forbid", UUID, .flags = OPTIONAL),
    MEMBER("enabled", "false: it is disabled", BOOLEAN, .flags = OPTIONAL),
    MEMBER("retried_by", "The run that tries it again already", UUID, .flags = OPTIONAL),
    MEMBER("state", "The state of the run, which the verb does not fit", CHOICE, .flags = OPTIONAL, ONE_OF(states),
           .example = "\"completed\""),
};
const Shape schema_conflict = {"Conflict", "It does not fit what is", &schema_problem, MEMBERS_OF(conflict)};

static const Member wrong_value[] = {
    MEMBER("pointer", "JSON pointer into the body", TEXT, .example = "\"/parameters/limit\""),
    MEMBER("detail", "What is wrong there", TEXT, .example = "\"must be an integer, not a string\""),
};
const Shape schema_wrong_value = {"WrongValue", "What is wrong with one value", MEMBERS_OF(wrong_value)};

static const Member invalid[] = {
    MEMBER("errors", "Each value that is wrong", SHAPE, .flags = LIST | OPTIONAL, OF_SHAPE(wrong_value)),
    MEMBER("run", "The run that the idempotency key stands for", UUID, .flags = OPTIONAL),
};
const Shape schema_invalid = {"Invalid", "It is understood, and wrong", &schema_problem, MEMBERS_OF(invalid)};

static const Member not_ready[] = {
    MEMBER("missing", "What keeps the agent from work", TEXT, .flags = LIST,
           .example = "[\"the journal cannot be written\"]"),
};
const Shape schema_not_ready = {"NotReady", "What keeps the agent from work", &schema_problem, MEMBERS_OF(not_ready)};

static const Shape problem_then_reload = {.name = "", .base = &schema_problem, MEMBERS_OF(reload)};
const Shape schema_broken = {"Broken", "Some files are broken; the others are in force", &problem_then_reload, NULL, 0};

/* --- all --- */

const Shape *const shapes[] = {
    &schema_status,
    &schema_prefect_status,
    &schema_counts,
    &schema_journal_status,
    &schema_certificate_status,
    &schema_caller,
    &schema_found_problem,
    &schema_reload,
    &schema_sendpost_page,
    &schema_sendpost_summary,
    &schema_sendpost,
    &schema_parameter,
    &schema_schedule,
    &schema_tick,
    &schema_definition_source,
    &schema_file_error,
    &schema_stage_definition,
    &schema_links,
    &schema_run_page,
    &schema_run_summary,
    &schema_run,
    &schema_stage,
    &schema_attempt,
    &schema_flow_run,
    &schema_deployment_reference,
    &schema_prefect_state,
    &schema_failure,
    &schema_failed_task,
    &schema_log_line,
    &schema_event,
    &schema_message,
    &schema_deployment_page,
    &schema_found_deployment,
    &schema_deployment,
    &schema_problem,
    &schema_conflict,
    &schema_invalid,
    &schema_wrong_value,
    &schema_not_ready,
    &schema_broken,
    NULL,
};
