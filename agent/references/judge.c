/* SPDX-License-Identifier: Apache-2.0 */
/* Prefect merges a stage's parameters over the deployment's own and validates the whole, if the deployment says so; a
 * flow that is given what it does not know, or not what it needs, fails in any case. */
#include "references/judge.h"
#include "base/memory.h"
#include "base/text.h"
#include "definitions/template.h"
#include "references/json_schema.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const reference_problem_names[REFERENCE_PROBLEMS] = {NULL, "missing", "parameters", "paused", "no_worker"};

void reference_faults_release(ReferenceFaults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        free(faults->items[i].parameter);
        free(faults->items[i].message);
    }
    free(faults->items);
    *faults = (ReferenceFaults){0};
}

ReferenceProblem reference_faults_worst(const ReferenceFaults *faults)
{
    ReferenceProblem worst = REFERENCE_FINE;
    for (size_t i = 0; i < faults->count; i++) {
        ReferenceProblem problem = faults->items[i].problem;
        worst = worst == REFERENCE_FINE || problem < worst ? problem : worst;
    }
    return worst;
}

/* One leaf while it is judged. */
typedef struct Judgement {
    const Definition *definition;
    const Node *node;
    const Json *deployment, *schema, *properties;
    SchemaContext context;
    Severity unenforced; /* of what Prefect refuses only if it is told to */
    ReferenceFaults *faults;
} Judgement;

static ReferenceFault *fault_add(ReferenceFaults *faults, ReferenceProblem problem, Severity severity, char *message)
{
    ReferenceFault fault = {.problem = problem, .severity = severity, .message = message};
    array_push(faults->items, faults->count, faults->capacity) = fault;
    return &faults->items[faults->count - 1];
}

/* --- templates --- */

static unsigned types_of_parameter(const Definition *definition, const TemplatePart *part)
{
    static const unsigned types[] = {
        [PARAMETER_ANY] = TYPES_ANY,
        [PARAMETER_STRING] = 1U << JSON_STRING,
        [PARAMETER_INTEGER] = 1U << JSON_NUMBER | 1U << TYPE_BIT_WHOLE,
        [PARAMETER_NUMBER] = 1U << JSON_NUMBER | 1U << TYPE_BIT_WHOLE,
        [PARAMETER_BOOLEAN] = 1U << JSON_BOOLEAN,
        [PARAMETER_ARRAY] = 1U << JSON_ARRAY,
        [PARAMETER_OBJECT] = 1U << JSON_OBJECT,
    };
    for (size_t i = 0; i < definition->parameter_count; i++) {
        const Parameter *parameter = &definition->parameters[i];
        if (strlen(parameter->name) == part->length && memcmp(parameter->name, part->text, part->length) == 0) {
            return types[parameter->type];
        }
    }
    return TYPES_ANY;
}

unsigned reference_types_of_text(const void *definition, const char *text)
{
    const char *at = text;
    TemplatePart part;
    if (!strstr(text, "${") && !strstr(text, "$$")) {
        return 0;
    }
    bool alone = template_next(&at, &part, NULL) > 0 && *at == '\0';
    return alone && part.kind == TEMPLATE_PARAMETER ? types_of_parameter(definition, &part) : type_bit(JSON_STRING);
}

/* --- parameters --- */

static void parameter_fault(const Judgement *judgement, const char *name, Severity severity, char *message)
{
    ReferenceFault *fault = fault_add(judgement->faults, REFERENCE_PARAMETERS, severity, message);
    fault->parameter = text_copy(name);
}

static void unknown_parameter(const Judgement *judgement, const char *name)
{
    size_t count = 0;
    auto_free const char **names = memory_new(json_count(judgement->properties) * sizeof *names);
    for (const Json *each = json_first(judgement->properties); each; each = json_next(each)) {
        names[count++] = json_name(each);
    }
    const char *nearest = text_nearest(name, names, count);
    parameter_fault(judgement, name, judgement->unenforced,
                    text_format("%s has no parameter '%s'%s%s%s", judgement->node->deployment, name,
                                nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : ""));
}

static void judge_given(const Judgement *judgement)
{
    const Json *additional = json_member(judgement->schema, "additionalProperties");
    bool open = additional && (json_type(additional) == JSON_OBJECT || json_boolean(additional, false));
    for (const Json *each = json_first(judgement->node->parameters); each; each = json_next(each)) {
        const char *name = json_name(each);
        if (!json_member(judgement->properties, name)) {
            if (!open) {
                unknown_parameter(judgement, name);
            }
            continue;
        }
        auto_free char *fault = schema_member_fault(&judgement->context, judgement->schema, name, each);
        if (fault) {
            parameter_fault(judgement, name, judgement->unenforced,
                            text_format("the parameter '%s' of %s %s", name, judgement->node->deployment, fault));
        }
    }
}

/* What the deployment itself gives, where the stage gives nothing. */
static void judge_defaults(const Judgement *judgement)
{
    SchemaContext literal = judgement->context;
    static const Definition nothing = {0};
    literal.user = &nothing;
    const Json *defaults = json_member(judgement->deployment, "parameters");
    for (const Json *each = json_first(defaults); each; each = json_next(each)) {
        const char *name = json_name(each);
        auto_free char *fault = json_member(judgement->node->parameters, name)
                                    ? NULL
                                    : schema_member_fault(&literal, judgement->schema, name, each);
        if (fault) {
            fault_add(judgement->faults, REFERENCE_PARAMETERS, judgement->unenforced,
                      text_format("the default that the deployment %s has for '%s' %s", judgement->node->deployment,
                                  name, fault));
        }
    }
}

static void judge_required(const Judgement *judgement)
{
    const Json *defaults = json_member(judgement->deployment, "parameters");
    const Json *required = json_member(judgement->schema, "required");
    for (const Json *each = json_first(required); each; each = json_next(each)) {
        const char *name = json_text(each);
        if (name && !json_member(judgement->node->parameters, name) && !json_member(defaults, name)) {
            fault_add(judgement->faults, REFERENCE_PARAMETERS, SEVERITY_ERROR,
                      text_format("%s needs the parameter '%s'", judgement->node->deployment, name))
                ->in_parameters = true;
        }
    }
}

static void judge_parameters(Judgement *judgement)
{
    bool enforced = json_boolean(json_member(judgement->deployment, "enforce_parameter_schema"), false);
    judgement->unenforced = enforced ? SEVERITY_ERROR : SEVERITY_WARNING;
    judgement->schema = json_member(judgement->deployment, "parameter_openapi_schema");
    judgement->properties = json_member(judgement->schema, "properties");
    judgement->context = (SchemaContext){judgement->schema, reference_types_of_text, judgement->definition};
    if (enforced && (!judgement->schema || json_type(judgement->schema) != JSON_OBJECT)) {
        fault_add(judgement->faults, REFERENCE_PARAMETERS, SEVERITY_ERROR,
                  text_format("%s enforces a parameter schema that it does not have: Prefect will refuse every run",
                              judgement->node->deployment));
        return;
    }
    if (!judgement->properties || json_type(judgement->properties) != JSON_OBJECT) {
        return; /* it says nothing of its parameters */
    }
    judge_given(judgement);
    judge_required(judgement);
    judge_defaults(judgement);
}

/* --- who runs it --- */

static void judge_worker(const Judgement *judgement, PoolState state)
{
    const char *reference = judgement->node->deployment;
    const char *pool = json_member_text(judgement->deployment, "work_pool_name");
    const char *status = json_member_text(judgement->deployment, "status");
    if (json_boolean(json_member(judgement->deployment, "paused"), false)) {
        fault_add(judgement->faults, REFERENCE_PAUSED, SEVERITY_WARNING,
                  text_format("the deployment %s is paused in Prefect", reference));
    }
    if (pool && state == POOL_PAUSED) {
        fault_add(judgement->faults, REFERENCE_PAUSED, SEVERITY_WARNING,
                  text_format("the work pool '%s' of %s is paused in Prefect", pool, reference));
    } else if (pool && state == POOL_WITHOUT_WORKER) {
        fault_add(judgement->faults, REFERENCE_NO_WORKER, SEVERITY_WARNING,
                  text_format("the work pool '%s' of %s has no worker online", pool, reference));
    } else if (!pool && text_equal(status, "NOT_READY")) {
        const char *polled = json_member_text(judgement->deployment, "last_polled");
        fault_add(judgement->faults, REFERENCE_NO_WORKER, SEVERITY_WARNING,
                  text_format("nobody serves %s: last seen %s", reference, polled ? polled : "never"));
    }
}

void reference_judge(const Definition *definition, int node, const SurveyedDeployment *deployment,
                     ReferenceFaults *faults)
{
    Judgement judgement = {
        .definition = definition, .node = &definition->nodes[node], .deployment = deployment->json, .faults = faults};
    if (deployment->presence == PRESENCE_MISSING) {
        fault_add(faults, REFERENCE_MISSING, SEVERITY_ERROR,
                  text_format("Prefect has no deployment '%s'", judgement.node->deployment));
    }
    if (deployment->presence != PRESENCE_FOUND) {
        return;
    }
    if (judgement.node->kind == NODE_RUN) {
        judge_parameters(&judgement);
    }
    judge_worker(&judgement, deployment->pool);
}
