/* SPDX-License-Identifier: Apache-2.0 */
/* Reads definitions and the configuration as the agent would, and says all that is wrong with them; with --live also
 * what Prefect would say to them. */
#include "access/token_file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/asking.h"
#include "commands/check_report.h"
#include "commands/checked.h"
#include "commands/command.h"
#include "commands/settings.h"
#include "references/judge.h"
#include "references/uses.h"

/* --- live --- */

static void add_fault(Asking *asking, CheckedFile *file, const ReferenceUse *use, const ReferenceFault *fault)
{
    const char *key = fault->parameter || fault->in_parameters ? "parameters" : NULL;
    bool has_parameters = use->definition->nodes[use->node].parameters != NULL;
    key = key && has_parameters ? key : node_kind_names[use->definition->nodes[use->node].kind];
    const char *nearest =
        fault->problem == REFERENCE_MISSING ? asking_nearest(asking, use->deployment->reference) : NULL;
    auto_free char *message = nearest ? text_format("%s, did you mean '%s'?", fault->message, nearest) : NULL;
    checked_finding(file, fault->severity, use->node, key, fault->parameter, message ? message : fault->message);
}

static void judge(Asking *asking, const ReferenceUse *use, const Survey *survey)
{
    ReferenceFaults faults = {0};
    reference_judge(use->definition, use->node, survey_find(survey, use->deployment->reference), &faults);
    for (size_t i = 0; i < faults.count; i++) {
        add_fault(asking, use->owner, use, &faults.items[i]);
    }
    reference_faults_release(&faults);
}

static bool check_batch(Asking *asking, ReferenceUses *uses, Error *error)
{
    Survey *survey = survey_new(POLL_BATCH_MAX, true);
    const UsedDeployment *deployment;
    TAILQ_FOREACH(deployment, reference_uses_batch(uses), queued)
    {
        survey_add(survey, deployment->reference);
    }
    bool asked = asking_survey(asking, survey, error);
    for (const ReferenceUse *use; (use = reference_uses_next(uses));) {
        judge(asking, use, survey);
    }
    survey_free(survey);
    return asked;
}

static bool check_live(CheckedFiles *files, const Configuration *configuration, Error *error)
{
    Asking asking;
    ReferenceUses *uses = reference_uses_new();
    auto_free ReferenceUse **added = memory_new(files->count * sizeof *added);
    bool asked = asking_open(&asking, configuration, error);
    for (size_t i = 0; i < files->count; i++) {
        CheckedFile *file = &files->items[i];
        added[i] = file->definition ? reference_uses_add(uses, file->definition, file) : NULL;
    }
    while (asked && reference_uses_begin_fresh(uses, POLL_BATCH_MAX)) {
        asked = check_batch(&asking, uses, error);
    }
    for (size_t i = 0; i < files->count; i++) {
        if (added[i]) {
            reference_uses_remove(uses, added[i]);
        }
    }
    reference_uses_free(uses);
    asking_close(&asking);
    return asked;
}

/* --- files --- */

/* What is wrong with a file as a whole: in text it is a complaint, else a finding as others. */
static void tell(CheckedFile *file, CheckFormat format, const char *what)
{
    if (format == CHECK_TEXT) {
        complain(STATUS_FAILED, "check", what);
        file->told = true;
    }
}

static void tell_path(CheckedFile *file, CheckFormat format)
{
    auto_free char *what = text_format("%s: %s", file->path, file->findings.items[0].message);
    tell(file, format, what);
}

/* The configuration cannot be read, or something that overrides it is wrong. */
static void tell_configuration(CheckedFiles *files, CheckFormat format, const CommandLine *line, const char *what)
{
    const char *named = option_value(line, "config"), *variable = getenv("SENDPOST_CONFIG");
    CheckedFile *file = checked_add_other(files, named                   ? named
                                                 : variable && *variable ? variable
                                                                         : "the configuration");
    findings_add(&file->findings, SEVERITY_ERROR, 1, 1, "%s", what);
    tell(file, format, what);
}

static void read_paths(CheckedFiles *files, CheckFormat format, const CommandLine *line,
                       const Configuration *configuration)
{
    const char *configured = configuration->definitions_directory;
    size_t count = line->argument_count;
    files->catalogue = catalogue_new(configured);
    for (size_t i = 0; i < (count ? count : 1); i++) {
        CheckedFile *unreadable = checked_add_path(files, count ? line->arguments[i] : configured, i);
        if (unreadable) {
            tell_path(unreadable, format);
        }
    }
    checked_find_duplicates(files);
}

static void check_tokens(CheckedFiles *files, const Configuration *configuration)
{
    const char *path = configuration->http_tokens_file;
    if (!path[0]) {
        return;
    }
    Error error = {0};
    CheckedFile *file = checked_add_other(files, path);
    const char *exposed = token_file_exposed(path);
    tokens_free(token_file_read(path, &file->findings, &error));
    if (error.kind != ERROR_NONE) {
        findings_add(&file->findings, SEVERITY_ERROR, 1, 1, "%s", error.text);
    }
    if (exposed) {
        findings_add(&file->findings, SEVERITY_WARNING, 1, 1, "%s", exposed);
    }
}

/* The configuration and the definitions; with --live, Prefect too. */
static Status check(const CommandLine *line, CheckedFiles *files, CheckFormat format)
{
    Configuration *configuration = NULL;
    Findings findings = {0};
    auto_free char *file = NULL;
    Error error = {0};
    Status status = settings_read(line, &configuration, &findings, &file, &error);
    if (file) {
        checked_add_other(files, file)->findings = findings; /* its lines are not shown: secrets may stand in them */
    }
    if (status == STATUS_FAILED && !findings.errors) {
        tell_configuration(files, format, line, error.text);
    } else if (status == STATUS_FAILED && format == CHECK_TEXT) {
        complain(status, "check", error.text);
    }
    bool asked = true;
    if (configuration) {
        check_tokens(files, configuration);
        read_paths(files, format, line, configuration);
        asked = !option_given(line, "live") || check_live(files, configuration, &error);
    }
    size_t errors = check_report(files, configuration, format);
    configuration_free(configuration);
    if (!asked) {
        return complain(STATUS_UNREACHABLE, "check", error.text);
    }
    return errors || status == STATUS_FAILED ? STATUS_FAILED : STATUS_DONE;
}

static Status run(const CommandLine *line)
{
    const char *name = option_value(line, "format");
    int format = 0;
    while (name && format < CHECK_FORMATS && !text_equal(name, check_format_names[format])) {
        format++;
    }
    if (format == CHECK_FORMATS) {
        return complain(STATUS_USAGE, "check", "--format is text, json or github");
    }
    CheckedFiles files = {0};
    Status status = check(line, &files, (CheckFormat)format);
    checked_release(&files);
    return status;
}

static const Option options[] = {
    {"config", 'c', "FILE", false, "configuration; its definitions are checked when no PATH is given"},
    {"live", 0, NULL, false, "ask Prefect too: do the deployments exist, do the parameters fit, is a worker there?"},
    {"format", 0, "text|json|github", false, "how findings are printed"},
    {0},
};

const Command command_check = {.name = "check",
                               .arguments = "[PATH...]",
                               .most = ARGUMENTS_MAX,
                               .options = options,
                               .summary = "Says what is wrong with definitions and the configuration",
                               .run = run};
