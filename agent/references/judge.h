/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a stage's deployment, given what Prefect says of it. Pure; the same for `check --live` and for the
 * running agent. */
#ifndef SENDPOST_REFERENCES_JUDGE_H
#define SENDPOST_REFERENCES_JUDGE_H

#include "definitions/definition.h"
#include "references/survey.h"

/* The gravest first, after none. */
typedef enum ReferenceProblem {
    REFERENCE_FINE,
    REFERENCE_MISSING,
    REFERENCE_PARAMETERS,
    REFERENCE_PAUSED,
    REFERENCE_NO_WORKER,
    REFERENCE_PROBLEMS
} ReferenceProblem;
extern const char *const reference_problem_names[REFERENCE_PROBLEMS]; /* NULL, "missing", ... */

typedef struct ReferenceFault {
    ReferenceProblem problem;
    Severity severity;  /* missing and parameters: errors; the others, and what Prefect does not enforce: warnings */
    char *parameter;    /* the key below `parameters` that is wrong; NULL: another key */
    bool in_parameters; /* something is missing there */
    char *message;
} ReferenceFault;

typedef struct ReferenceFaults {
    ReferenceFault *items;
    size_t count, capacity;
} ReferenceFaults;

void reference_faults_release(ReferenceFaults *faults);

/* Appends the faults of one leaf. Nothing when Prefect has not said enough. */
void reference_judge(const Definition *definition, int node, const SurveyedDeployment *deployment,
                     ReferenceFaults *faults);
/* The gravest of them; REFERENCE_FINE when there are none. */
ReferenceProblem reference_faults_worst(const ReferenceFaults *faults);

/* The types that a text of this definition may have when it is rendered, as json_schema.h wants it: 0 for a text that
 * holds no template. */
unsigned reference_types_of_text(const void *definition, const char *text);

#endif
