/* SPDX-License-Identifier: Apache-2.0 */
/* A finished transfer turned into a happening for the engine. */
#ifndef SENDPOST_PREFECT_ANSWERS_H
#define SENDPOST_PREFECT_ANSWERS_H

#include "prefect/task.h"

/* A happening with the memory that its texts and lists lie in. */
typedef struct Answer {
    struct Answer *next;
    Happening happening;
    Task *task; /* whose texts are borrowed; owned */
    char *message, *text, *other_text;
    FlowRun *flow_runs;
    size_t flow_run_count;
    const char **absent;
} Answer;

void answer_free(Answer *answer);

/* What a transfer came to. */
typedef struct Result {
    int status;          /* HTTP; 0: none */
    Outcome outcome;     /* by status and body alone */
    FailureCause cause;  /* when UNKNOWN */
    const Json *body;    /* NULL: none or not JSON */
    const char *message; /* why, when not OK */
} Result;

enum { ANSWER_FLOW_RUNS_MAX = 64 };

typedef enum Next {
    NEXT_ANSWER, /* *answer is made; it owns the task now */
    NEXT_STEP,   /* the task goes on with another request */
    NEXT_SPLIT,  /* POLL: too much at once; ask for halves */
} Next;

/* For TASK_REQUEST. */
Next answer_make(Task *task, const Result *result, Answer **answer);
/* Takes what is over ANSWER_FLOW_RUNS_MAX out of the answer to a poll, as one of its own; NULL: nothing is. */
Answer *answer_split(Answer *answer);
/* Nothing is known: for a request that could not even be sent. */
Answer *answer_unknown(Task *task, const char *message);

#endif
