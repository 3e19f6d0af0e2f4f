/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a definition from deployments that Prefect has: one stage for each, one after the other. What a deployment
 * needs and has no default for becomes a parameter of the sendpost. */
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/asking.h"
#include "commands/command.h"
#include "commands/settings.h"
#include "commands/yaml.h"
#include "definitions/definition.h"
#include "references/json_schema.h"
#include "references/judge.h"
#include <ctype.h>
#include <string.h>

enum { SURVEYS_MAX = STAGES_MAX / POLL_BATCH_MAX, NAME_ROOM = 8, DRAFT_SIZE_MAX = 2 * DOCUMENT_SIZE_MAX };

/* A parameter that the sendpost declares. */
typedef struct Declared {
    char *name, *text;
} Declared;

typedef struct Draft {
    Survey *surveys[SURVEYS_MAX];
    Declared *declared;
    size_t declared_count, declared_capacity;
    char **stages; /* names */
    size_t stage_count, stage_capacity;
    Buffer out; /* the stages */
} Draft;

/* --- names --- */

/* A valid name made of any text. */
static char *name_of(const char *text)
{
    Buffer name;
    buffer_init(&name, NAME_MAX_LENGTH - NAME_ROOM);
    bool gap = false;
    for (; *text && !name.overflow; text++) {
        if (isalnum((unsigned char)*text) && !(*text & 0x80)) {
            buffer_text(&name, gap && name.length ? "-" : "");
            buffer_char(&name, (char)tolower((unsigned char)*text));
        }
        gap = !isalnum((unsigned char)*text);
    }
    while (name.length && name.bytes[name.length - 1] == '-') {
        name.bytes[--name.length] = '\0';
    }
    if (name.length == 0) {
        buffer_text(&name, "sendpost");
    }
    return buffer_take(&name);
}

static bool stage_exists(const Draft *draft, const char *name)
{
    for (size_t i = 0; i < draft->stage_count; i++) {
        if (text_equal(draft->stages[i], name)) {
            return true;
        }
    }
    return false;
}

/* The deployment's own name, with a number if there is such a stage already. Borrowed. */
static const char *stage_add(Draft *draft, const char *deployment)
{
    char *base = name_of(deployment), *name = text_copy(base);
    for (int number = 2; stage_exists(draft, name); number++) {
        free(name);
        name = text_format("%s-%d", base, number);
    }
    free(base);
    array_push(draft->stages, draft->stage_count, draft->stage_capacity) = name;
    return name;
}

/* --- parameters --- */

static void write_declaration(const SchemaContext *context, const Json *schema, Buffer *out)
{
    static const char *const types[] = {"string", "integer", "number", "boolean", "array", "object"};
    const char *type = schema_type(context, schema), *description = json_member_text(schema, "description");
    const Json *values = schema_enumeration(context, schema);
    buffer_text(out, "{required: true");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (text_equal(type, types[i])) {
            buffer_format(out, ", type: %s", type);
        }
    }
    if (values && yaml_can_hold(values)) {
        buffer_text(out, ", enum: ");
        yaml_write_value(out, values);
    }
    if (description) {
        buffer_text(out, ", description: ");
        yaml_write_text(out, description, false);
    }
    buffer_char(out, '}');
}

static const Declared *declared_find(const Draft *draft, const char *name)
{
    for (size_t i = 0; i < draft->declared_count; i++) {
        if (text_equal(draft->declared[i].name, name)) {
            return &draft->declared[i];
        }
    }
    return NULL;
}

/* Two stages share a parameter that is declared alike; else the second is named after its stage. Borrowed. */
static const char *declare(Draft *draft, const char *stage, const char *parameter, const char *text)
{
    bool valid = *parameter && strlen(parameter) <= NAME_MAX_LENGTH && !strpbrk(parameter, "{}$ \t\r\n");
    char *name = valid ? text_copy(parameter) : name_of(parameter);
    const Declared *same = declared_find(draft, name);
    for (int number = 1; same && !text_equal(same->text, text); number++) {
        free(name);
        name = number == 1 ? text_format("%s-%s", stage, parameter) : text_format("%s-%s-%d", stage, parameter, number);
        same = declared_find(draft, name);
    }
    if (same) {
        free(name);
        return same->name;
    }
    array_push(draft->declared, draft->declared_count, draft->declared_capacity) = (Declared){name, text_copy(text)};
    return name;
}

typedef struct Property {
    const char *name;
    const Json *schema; /* NULL: the deployment has no schema */
    int64_t position;
} Property;

static int by_position(const void *a, const void *b)
{
    int64_t left = ((const Property *)a)->position, right = ((const Property *)b)->position;
    return (left > right) - (left < right);
}

/* In the order of the flow's own arguments. Without a schema: what the deployment gives. */
static Property *properties_of(const Json *deployment, size_t *count)
{
    const Json *properties = json_member(json_member(deployment, "parameter_openapi_schema"), "properties");
    bool known = properties && json_type(properties) == JSON_OBJECT;
    const Json *source = known ? properties : json_member(deployment, "parameters");
    Property *list = memory_new(json_count(source) * sizeof *list);
    *count = 0;
    for (const Json *each = json_first(source); each; each = json_next(each)) {
        Property *property = &list[(*count)++];
        *property = (Property){json_name(each), known ? each : NULL, (int64_t)*count};
        json_integer(json_member(property->schema, "position"), &property->position);
    }
    qsort(list, *count, sizeof *list, by_position);
    return list;
}

/* What Prefect would send; NULL: nothing, or nothing that fits. */
static const Json *default_of(const Json *deployment, const SchemaContext *context, const Property *property)
{
    const Json *given = json_member(json_member(deployment, "parameters"), property->name);
    const Json *value = given ? given : json_member(property->schema, "default");
    auto_free char *fault = value ? schema_member_fault(context, context->root, property->name, value) : NULL;
    return value && !fault && yaml_can_hold(value) ? value : NULL;
}

static void write_parameter(Draft *draft, const char *stage, const Json *deployment, const SchemaContext *context,
                            const Property *property)
{
    const Json *value = default_of(deployment, context, property);
    bool given = json_member(json_member(deployment, "parameters"), property->name) != NULL;
    if (!value && !given && !schema_requires(context->root, property->name)) {
        return; /* the flow does without it */
    }
    buffer_text(&draft->out, "      ");
    yaml_write_text(&draft->out, property->name, false);
    buffer_text(&draft->out, ": ");
    if (value) {
        yaml_write_value(&draft->out, value);
    } else {
        auto_buffer text;
        buffer_init(&text, DOCUMENT_SIZE_MAX);
        write_declaration(context, property->schema, &text);
        auto_free char *template = text_format("${params.%s}", declare(draft, stage, property->name, text.bytes));
        yaml_write_text(&draft->out, template, false);
    }
    buffer_char(&draft->out, '\n');
}

/* Here every text is what it says. */
static unsigned no_template(const void *user, const char *text)
{
    (void)user;
    (void)text;
    return 0;
}

static void write_stage(Draft *draft, const char *reference, const Json *deployment)
{
    const char *stage = stage_add(draft, json_member_text(deployment, "name"));
    SchemaContext context = {json_member(deployment, "parameter_openapi_schema"), no_template, NULL};
    size_t count;
    auto_free Property *properties = properties_of(deployment, &count);
    buffer_text(&draft->out, "  - name: ");
    yaml_write_text(&draft->out, stage, false);
    buffer_text(&draft->out, "\n    run: ");
    yaml_write_text(&draft->out, reference, false);
    buffer_text(&draft->out, "\n");
    size_t before = draft->out.length;
    buffer_text(&draft->out, "    parameters:\n");
    size_t begin = draft->out.length;
    for (size_t i = 0; i < count; i++) {
        write_parameter(draft, stage, deployment, &context, &properties[i]);
    }
    if (draft->out.length == begin) { /* nothing stands below the heading */
        draft->out.bytes[draft->out.length = before] = '\0';
    }
}

/* --- asking --- */

static const Survey *survey_of(const Draft *draft, size_t argument)
{
    return draft->surveys[argument / POLL_BATCH_MAX];
}

static bool ask_all(Draft *draft, Asking *asking, const CommandLine *line, Error *error)
{
    for (size_t i = 0; i < line->argument_count; i += POLL_BATCH_MAX) {
        Survey *survey = draft->surveys[i / POLL_BATCH_MAX] = survey_new(POLL_BATCH_MAX, false);
        for (size_t j = i; j < line->argument_count && j < i + POLL_BATCH_MAX; j++) {
            if (definition_is_reference(line->arguments[j])) {
                survey_add(survey, line->arguments[j]);
            }
        }
        if (!asking_survey(asking, survey, error)) {
            return false;
        }
    }
    return true;
}

/* Which deployments are not there is said of all of them. */
static Status write_stages(Draft *draft, Asking *asking, const CommandLine *line)
{
    Status status = STATUS_DONE;
    for (size_t i = 0; i < line->argument_count; i++) {
        const char *reference = line->arguments[i];
        const SurveyedDeployment *found = survey_find(survey_of(draft, i), reference);
        if (found && found->presence == PRESENCE_FOUND) {
            write_stage(draft, reference, found->json);
            continue;
        }
        if (found && found->presence == PRESENCE_UNKNOWN) {
            return complain(STATUS_UNREACHABLE, reference, "Prefect does not say");
        }
        const char *nearest = asking_nearest(asking, reference);
        auto_free char *why = nearest ? text_format("Prefect has no such deployment, did you mean '%s'?", nearest)
                                      : text_copy("Prefect has no such deployment");
        status = complain(STATUS_REFUSED, reference, why);
    }
    return status;
}

/* --- the file --- */

/* Of one deployment its own name, of several that of the first one's flow. */
static char *sendpost_name(const Draft *draft, const CommandLine *line)
{
    const char *given = option_value(line, "name"), *first = line->arguments[0], *slash = strchr(first, '/');
    if (given || line->argument_count == 1 || !slash) {
        return text_copy(given ? given : draft->stages[0]);
    }
    auto_free char *flow = text_copy_length(first, (size_t)(slash - first));
    return name_of(flow);
}

static void write_file(const Draft *draft, const char *name, Buffer *out)
{
    buffer_text(out, "name: ");
    yaml_write_text(out, name, false);
    buffer_text(out, draft->declared_count ? "\nparameters:\n" : "\n");
    for (size_t i = 0; i < draft->declared_count; i++) {
        buffer_text(out, "  ");
        yaml_write_text(out, draft->declared[i].name, false);
        buffer_format(out, ": %s\n", draft->declared[i].text);
    }
    buffer_format(out, "stages:\n%s", draft->out.bytes);
}

/* What Prefect has may be more than a definition can hold: then it is said, rather than written. */
static Status print_file(const Draft *draft, const CommandLine *line)
{
    auto_free char *name = sendpost_name(draft, line);
    auto_buffer text;
    buffer_init(&text, DRAFT_SIZE_MAX);
    write_file(draft, name, &text);
    Findings findings = {0};
    Definition *definition = definition_read(text.bytes, text.length, NULL, &findings);
    const Finding *error = findings_first_error(&findings);
    Status status = STATUS_DONE;
    if (error) {
        status = complain(STATUS_FAILED, "init", error->message);
    } else {
        print(&text);
    }
    definition_release(definition);
    findings_release(&findings);
    return status;
}

static void draft_release(Draft *draft)
{
    for (int i = 0; i < SURVEYS_MAX; i++) {
        survey_free(draft->surveys[i]);
    }
    for (size_t i = 0; i < draft->declared_count; i++) {
        free(draft->declared[i].name);
        free(draft->declared[i].text);
    }
    for (size_t i = 0; i < draft->stage_count; i++) {
        free(draft->stages[i]);
    }
    free(draft->declared);
    free(draft->stages);
    buffer_release(&draft->out);
}

static Status init(const CommandLine *line, const Configuration *configuration)
{
    Draft draft = {0};
    Asking asking;
    Error error = {0};
    buffer_init(&draft.out, DRAFT_SIZE_MAX);
    bool asked = asking_open(&asking, configuration, &error) && ask_all(&draft, &asking, line, &error);
    Status status = asked ? write_stages(&draft, &asking, line) : complain(STATUS_UNREACHABLE, "init", error.text);
    if (status == STATUS_DONE) {
        status = print_file(&draft, line);
    }
    draft_release(&draft);
    asking_close(&asking);
    return status;
}

static Status run(const CommandLine *line)
{
    const char *name = option_value(line, "name");
    if (name && !text_is_name(name)) {
        return complain(STATUS_USAGE, "init", "--name: lower case letters, digits and hyphens within, at most 63");
    }
    Configuration *configuration = NULL;
    Status status = settings_load(line, "init", &configuration);
    if (status == STATUS_DONE) {
        status = init(line, configuration);
    }
    configuration_free(configuration);
    return status;
}

static const Option options[] = {
    {"name", 0, "NAME", false, "name of the sendpost; default: made of the deployments' names"},
    {"config", 'c', "FILE", false, "configuration, which says where Prefect is"},
    {0},
};

const Command command_init = {.name = "init",
                              .arguments = "DEPLOYMENT...",
                              .least = 1,
                              .most = STAGES_MAX,
                              .options = options,
                              .summary = "Writes a definition from deployments that Prefect has",
                              .run = run};
