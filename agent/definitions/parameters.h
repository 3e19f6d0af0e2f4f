/* SPDX-License-Identifier: Apache-2.0 */
/* A run's parameters: what the trigger gave, checked against what the definition declares, defaults filled in; and the
 * templates in them, in stages' parameters and in `match`. */
#ifndef SENDPOST_DEFINITIONS_PARAMETERS_H
#define SENDPOST_DEFINITIONS_PARAMETERS_H

#include "definitions/definition.h"

/* What templates can name. */
typedef struct TemplateContext {
    const Definition *definition;
    const char *run_id;
    const char *trigger;                              /* "api", ... */
    int64_t for_ms;                                   /* the time that the run is for */
    const Json *parameters;                           /* the run's, resolved; NULL while they are being resolved */
    const char *(*flow_run_id)(void *user, int node); /* of a stage that comes before; NULL when it has none */
    void *user;
} TemplateContext;

typedef struct ParameterFault {
    char *pointer; /* JSON pointer into the trigger: /parameters/limit */
    char *detail;
} ParameterFault;

typedef struct ParameterFaults {
    ParameterFault *items;
    size_t count;
} ParameterFaults;

void parameter_faults_release(ParameterFaults *faults);

/* `given` is the trigger's object, or NULL. Returns the resolved object (free with json_free), or NULL with every fault
 * named: unknown, missing, wrong type, not in enum, out of range, an integer beyond +-2^53, all too large. */
Json *parameters_resolve(const Definition *definition, const Json *given, const TemplateContext *context,
                         ParameterFaults *faults);

/* A copy of `value` with its templates replaced. A string that is one template takes the type of what it names; a
 * member (or element) whose template names what has no value is left out. definition_read has checked the templates:
 * NULL only when the whole has no value, is larger than 16 MiB or nested deeper than JSON_DEPTH_MAX. */
Json *template_render(const Json *value, const TemplateContext *context);

/* The local day of the time that the run is for, shifted by days: its date as 2026-11-22, and its first instant. */
void run_date(const TemplateContext *context, int shift_days, char date[16]);
int64_t run_day_start_ms(const TemplateContext *context, int shift_days);

#endif
